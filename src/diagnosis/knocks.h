// For tests: knocks at providers, and a Diagnosis that is told of them. Time is in seconds from the
// beginning.
#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <vector>

#include "diagnosis/diagnosis.h"

namespace mailweir::diagnosis {

// Sources knock at providers once a second each; what a fault says is silent, is.
class Knocks {
 public:
  using Silent = bool (*)(std::uint32_t source, std::uint32_t provider, std::uint32_t host);

  Knocks(std::uint32_t sources, std::uint32_t providers, std::uint32_t hosts = 1)
      : sources_(sources), providers_(providers), hosts_(hosts) {
    run(120);
  }

  // Time-outs are told 30 s after the knock; what is on its way at the end of a run still comes.
  void run(int seconds, Silent silent = nullptr, Sign sign = Sign::timed_out) {
    for (int second = 0; second < seconds; second += every_) {
      for (std::uint32_t s = 0; s < sources_; ++s) {
        for (std::uint32_t p = 0; p < providers_; ++p) {
          const std::uint32_t h = p * hosts_ + static_cast<std::uint32_t>(count_ / every_) % hosts_;
          const bool fails = silent != nullptr && silent(s, p, h);
          const int takes = fails && sign == Sign::timed_out ? 30 : 0;
          due_.push_back({count_ + takes,
                          {.source = s,
                           .provider = p,
                           .host = h,
                           .sign = fails ? sign : Sign::reached,
                           .phase = fails && sign == Sign::timed_out ? Phase::connect : phase_,
                           .started = at(count_)}});
        }
      }
      tell();
      count_ += every_;
    }
  }

  void once(const Contact& contact) { diagnosis_.on_contact(contact, at(count_)); }

  void skip(int seconds) {
    count_ += seconds;
    diagnosis_.on_time(at(count_));
  }

  std::vector<Finding> found() {
    std::vector<Finding> all = diagnosis_.take_findings();
    std::erase_if(all, [](const Finding& finding) { return finding.cleared != never; });
    return all;
  }
  const std::vector<Finding>& standing() const { return diagnosis_.standing(); }
  Diagnosis& diagnosis() { return diagnosis_; }
  int now() const { return count_; }
  static Instant at(int seconds) { return Instant{} + std::chrono::seconds(1000 + seconds); }
  void every(int seconds) { every_ = seconds; }
  void phase(Phase phase) { phase_ = phase; }

 private:
  struct Due {
    int second;
    Contact contact;
  };

  void tell() {
    diagnosis_.on_time(at(count_));
    const auto is_due = [this](const Due& due) { return due.second <= count_; };
    for (const Due& due : due_) {
      if (is_due(due)) diagnosis_.on_contact(due.contact, at(count_));
    }
    std::erase_if(due_, is_due);
  }

  std::uint32_t sources_;
  std::uint32_t providers_;
  std::uint32_t hosts_;
  int every_ = 1;
  int count_ = 0;
  Phase phase_ = Phase::ehlo;
  std::vector<Due> due_;
  Diagnosis diagnosis_;
};

MATCHER_P2(IsBlock, source, provider, "") {
  return arg.cause == Cause::ip_blocked && arg.source == source && arg.provider == provider;
}
MATCHER_P(IsProviderDown, provider, "") {
  return arg.cause == Cause::provider_down && arg.provider == provider && arg.source == none;
}

}  // namespace mailweir::diagnosis
