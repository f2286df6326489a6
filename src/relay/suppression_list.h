// The SuppressionList names recipients that are not delivered to. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "base/result.h"
#include "mail/mailbox.h"

namespace mailweir::relay {

class SuppressionList {
 public:
  SuppressionList() = default;

  // One address or `@domain` a line; blank lines and what follows `#` are of no account.
  // `invalid_argument` names the line that is neither, and `file_name` with it.
  static Result<SuppressionList> parse(std::string_view text, std::string_view file_name);
  // `invalid_argument` when the file cannot be read.
  static Result<SuppressionList> read(const std::string& file);

  // Case is of no account, in the local-part neither: a list is made by people.
  bool contains(const Mailbox& recipient) const;
  std::size_t size() const { return entries_.size(); }
  friend bool operator==(const SuppressionList&, const SuppressionList&) = default;

 private:
  std::unordered_set<std::string> entries_;  // lower case
};

}  // namespace mailweir::relay
