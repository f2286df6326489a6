// The Ledger is a file with one line for each message the sink took, written before its 250: what a
// test can compare with what was sent. Thread-safe; a line is one write, so lines of several
// writers never mix.
//
//   id <tab> reverse-path <tab> recipients, by comma <tab> octets <tab> CRC-32C in hex <tab>
//   Message-ID
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "mail/envelope.h"

namespace mailweir::sink {

class Ledger {
 public:
  // Opens `file` for appending, making it if need be.
  static Result<std::unique_ptr<Ledger>> open(const std::string& file);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  Result<void> append(MessageId id, const Envelope& envelope, std::string_view content);

 private:
  explicit Ledger(int descriptor) : descriptor_(descriptor) {}

  const int descriptor_;
};

}  // namespace mailweir::sink
