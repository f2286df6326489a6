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

bool matches_sender(std::string_view wanted, const ReversePath& reverse_path) {
  return wanted == "<>" ? reverse_path.is_null() : equal_ignoring_case(wanted, reverse_path.text());
}

bool matches(const Assignment& assignment, const Submission& submission) {
  if (!assignment.sender.empty() && !matches_sender(assignment.sender, submission.reverse_path))
    return false;
  const std::string_view domain =
      submission.reverse_path.is_null() ? "" : submission.reverse_path.mailbox.domain();
  if (!assignment.sender_domain.empty() && !matches_domain(assignment.sender_domain, domain))
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

const Assignment* find_assignment(const std::vector<Assignment>& assignments,
                                  const Submission& submission) {
  const auto found = std::ranges::find_if(
      assignments, [&](const Assignment& assignment) { return matches(assignment, submission); });
  return found == assignments.end() ? nullptr : &*found;
}

}  // namespace mailweir::config
