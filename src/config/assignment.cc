#include "config/assignment.h"

#include <algorithm>

namespace mailweir::config {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view domain_of(std::string_view sender) {
  const std::size_t at = sender.rfind('@');
  return at == std::string_view::npos ? std::string_view() : sender.substr(at + 1);
}

bool matches_sender(std::string_view wanted, std::string_view sender) {
  return wanted == "<>" ? sender.empty() : equal_ignoring_case(wanted, sender);
}

bool matches(const Assignment& assignment, const Submission& submission) {
  if (!assignment.sender.empty() && !matches_sender(assignment.sender, submission.sender))
    return false;
  if (!assignment.sender_domain.empty() &&
      !matches_domain(assignment.sender_domain, domain_of(submission.sender)))
    return false;
  if (!assignment.listener.empty() && assignment.listener != submission.listener) return false;
  return assignment.client_network.empty() ||
         assignment.client_network.contains(submission.client_address);
}

}  // namespace

bool matches_domain(std::string_view pattern, std::string_view domain) {
  if (pattern == "*") return !domain.empty();
  if (!pattern.starts_with("*.")) return equal_ignoring_case(pattern, domain);
  const std::string_view suffix = pattern.substr(1);
  return domain.size() > suffix.size() &&
         equal_ignoring_case(suffix, domain.substr(domain.size() - suffix.size()));
}

Assigned assign(const Config& config, const Submission& submission) {
  Assigned assigned{.message_class = config.classes.front().name, .tenant = {}, .pool = {}};
  for (const Assignment& assignment : config.assignments) {
    if (!matches(assignment, submission)) continue;
    if (!assignment.message_class.empty()) assigned.message_class = assignment.message_class;
    assigned.tenant = assignment.tenant;
    assigned.pool = assignment.pool;
    break;
  }
  return assigned;
}

}  // namespace mailweir::config
