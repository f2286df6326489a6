// Which class, tenant and egress pool a message gets: the first [[assign]] whose conditions all
// hold.
#pragma once

#include <string_view>
#include <vector>

#include "config/config.h"
#include "mail/envelope.h"

namespace mailweir::config {

struct Submission {
  const ReversePath& reverse_path;
  std::string_view client_address;  // empty when there was no network client
  std::string_view listener;
};

// Null when none matches. What the entry leaves empty is for the class, or the first class, to say.
// Allocates nothing.
const Assignment* find_assignment(const std::vector<Assignment>& assignments,
                                  const Submission& submission);

// "example.com" matches itself, "*.example.com" every name below it, "*" every name. Case is of no
// account.
bool matches_domain(std::string_view pattern, std::string_view domain);

}  // namespace mailweir::config
