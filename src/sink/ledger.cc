#include "sink/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/crc32c.h"
#include "mail/header.h"

namespace mailweir::sink {

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return fail(Errc::io, "sink: cannot open " + file + ": " + std::strerror(errno));
  return std::unique_ptr<Ledger>(new Ledger(descriptor));
}

Ledger::~Ledger() {
  ::close(descriptor_);
}

Result<void> Ledger::append(MessageId id, const Envelope& envelope, std::string_view content) {
  std::string line;
  auto out = std::back_inserter(line);
  fmt::format_to(out, "{}\t{}\t", to_string(id), envelope.reverse_path.text());
  for (const auto& recipient : envelope.recipients) line.append(recipient.mailbox.text()) += ',';
  line.back() = '\t';  // the session lets no message without recipients through
  const auto message_id = first_value(content, "Message-ID");
  fmt::format_to(out, "{}\t{:08x}\t{}\n", content.size(), crc32c(content),
                 message_id ? unfold(*message_id) : "");
  if (::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size()))
    return {};
  return fail(Errc::io, std::string("sink: cannot write the ledger: ") + std::strerror(errno));
}

}  // namespace mailweir::sink
