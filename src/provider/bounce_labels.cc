#include <array>
#include <utility>

#include "base/ascii.h"
#include "provider/bounce_text.h"
#include "provider/reply_text.h"

namespace mailweir::provider {
namespace {

using ascii::lower;
using ascii::trimmed;

enum class Label : std::uint8_t { none, recipient, reason, diagnostic, host };

struct Named {
  std::string_view name;
  Label label;
};

constexpr auto names = std::to_array<Named>({
    {"recipient address", Label::recipient},
    {"failed recipient", Label::recipient},
    {"could not be delivered to", Label::recipient},
    {"reason", Label::reason},
    {"as follows", Label::reason},
    {"diagnostic code", Label::diagnostic},
    {"remote system", Label::host},
});

// One recipient, as its fields come.
struct Labelled {
  std::string recipient;
  std::string reason;
  std::string diagnostic;
  std::string host;
};

// "dns;mx.example.org (TCP|…)", "smtp;550 5.1.1 …" → what is meant.
std::string_view behind_type(std::string_view value) {
  const std::size_t mark = value.substr(0, 16).find(';');
  return mark == std::string_view::npos ? value : trimmed(value.substr(mark + 1));
}

class LabelledFields {
 public:
  void read(std::string_view line) {
    const std::size_t colon = line.substr(0, 64).find(':');
    const Label label =
        colon == std::string_view::npos ? Label::none : label_of(line.substr(0, colon));
    if (label == Label::none) {
      // A value goes on in the next line; a line without anything ends it.
      if (line.empty()) last_ = nullptr;
      if (last_ != nullptr && last_->size() < paragraph_bytes_max)
        *last_ += "\n" + std::string(line.substr(0, 2048));
      return;
    }
    const std::string_view value = trimmed(line.substr(colon + 1, 2048));
    if (label == Label::recipient) {
      finish();
      now_.recipient = lone_address(value);
    }
    last_ = field(label);
    if (label != Label::recipient && last_->empty()) *last_ = value;
    if (label == Label::recipient) last_ = nullptr;
  }

  void finish() {
    const Labelled done = std::exchange(now_, {});
    last_ = nullptr;
    if (done.recipient.empty()) return;
    auto told = read_told(behind_type(done.diagnostic), false);
    if (!told) told = read_told(done.reason, true);
    if (!told) return;
    if (!done.host.empty()) told->host = host_name(behind_type(done.host));
    findings_.add(done.recipient, std::move(*told));
  }

  Findings take() && {
    finish();
    return std::move(findings_);
  }

 private:
  static Label label_of(std::string_view name) {
    const std::string folded = lower(trimmed(name));
    for (const Named& named : names) {
      if (folded == named.name) return named.label;
    }
    return Label::none;
  }

  std::string* field(Label label) {
    if (label == Label::reason) return &now_.reason;
    if (label == Label::diagnostic) return &now_.diagnostic;
    return label == Label::host ? &now_.host : &now_.recipient;
  }

  Labelled now_;
  std::string* last_ = nullptr;  // a field of now_ that may go on
  Findings findings_;
};

}  // namespace

Findings read_labels(std::string_view text) {
  LabelledFields fields;
  Lines lines(text);
  while (const auto line = lines.next()) fields.read(trimmed(*line));
  return std::move(fields).take();
}

}  // namespace mailweir::provider
