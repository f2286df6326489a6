#include "relay/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/units.h"
#include "config/assignment.h"
#include "mail/header.h"
#include "mail/utf8.h"

namespace mailweir::relay {
namespace {

constexpr std::string_view field_prefix = "X-Mailweir-";
constexpr std::size_t name_max = 255;  // of a tenant or campaign

// A point in time, or a duration from now.
Result<UnixTime> parse_time(std::string_view field, const std::string& value, UnixTime now) {
  constexpr Duration wait_max = std::chrono::years(10);
  if (const auto time = parse_rfc3339(value)) return *time;
  if (const auto wait = parse_duration(value); wait && *wait <= wait_max) return now + *wait;
  return fail(
      Errc::invalid_argument,
      fmt::format("{}{} is neither a duration such as 10m nor a time such as 2026-01-31T08:00:00Z",
                  field_prefix, field));
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

Result<std::string> checked_name(std::string_view what, const std::string& name) {
  if (name.empty() || name.size() > name_max)
    return fail(Errc::invalid_argument, fmt::format("{} must have 1 to {} bytes", what, name_max));
  return name;
}

// The sender did not write the field for us: what is too long is cut, not refused.
std::string campaign_of(const config::Assignment& rule, std::string_view content) {
  if (rule.campaign_field.empty()) return rule.campaign;
  const auto value = first_value(content, rule.campaign_field);
  return value ? std::string(utf8_prefix(unfold(*value), name_max)) : std::string();
}

}  // namespace

const engine::MessageClass* Policy::find_class(std::string_view name) const {
  const auto found = std::ranges::find(options_.classes, name, &engine::MessageClass::name);
  return found == options_.classes.end() ? nullptr : &*found;
}

bool Policy::is_pool(std::string_view name) const {
  return std::ranges::find(options_.pools, name) != options_.pools.end();
}

Result<void> Policy::apply_field(std::string_view name, const std::string& value, UnixTime now,
                                 StoredMessage& message) const {
  if (equals_ignoring_case(name, "Class")) {
    if (find_class(value) == nullptr) {
      return fail(Errc::invalid_argument,
                  fmt::format("{}Class names no configured class", field_prefix));
    }
    message.message_class = value;
  } else if (equals_ignoring_case(name, "Pool")) {
    if (!is_pool(value))
      return fail(Errc::invalid_argument,
                  fmt::format("{}Pool names no configured pool", field_prefix));
    message.pool = value;
  } else if (equals_ignoring_case(name, "Tenant")) {
    WEIR_TRY(message.tenant, checked_name(fmt::format("{}Tenant", field_prefix), value));
  } else if (equals_ignoring_case(name, "Campaign")) {
    if (value.empty()) return {};  // written by a template that has none to name
    WEIR_TRY(message.campaign, checked_name(fmt::format("{}Campaign", field_prefix), value));
  } else if (equals_ignoring_case(name, "Not-Before")) {
    WEIR_TRY(message.not_before, parse_time(name, value, now));
  } else if (equals_ignoring_case(name, "Deadline")) {
    WEIR_TRY(message.deadline, parse_time(name, value, now));
  } else if (equals_ignoring_case(name, "Expires")) {
    WEIR_TRY(message.expires_at, parse_time(name, value, now));
  } else {
    return fail(Errc::invalid_argument,
                fmt::format("{} is followed by an unknown name; known are Class, Pool, Tenant, "
                            "Campaign, Not-Before, Deadline, Expires",
                            field_prefix));
  }
  return {};
}

Result<void> Policy::apply_submission(const intake::ReceivedMessage& received,
                                      StoredMessage& message) const {
  if (!received.message_class.empty()) {
    if (find_class(received.message_class) == nullptr) {
      return fail(Errc::invalid_argument,
                  fmt::format("there is no class \"{}\"", received.message_class));
    }
    message.message_class = received.message_class;
  }
  if (!received.tenant.empty()) {
    WEIR_TRY(message.tenant, checked_name("tenant", received.tenant));
  }
  if (!received.campaign.empty()) {
    WEIR_TRY(message.campaign, checked_name("campaign", received.campaign));
  }
  message.not_before = received.not_before;
  return {};
}

Result<void> Policy::classify(const intake::ReceivedMessage& received, UnixTime now,
                              StoredMessage& message, std::string& content) const {
  const config::Assignment* rule =
      config::find_assignment(options_.assignments, {.reverse_path = received.envelope.reverse_path,
                                                     .client_address = received.client_address,
                                                     .listener = received.listener});
  if (rule != nullptr) {
    message.message_class = rule->message_class;
    message.tenant = rule->tenant;
    message.campaign = campaign_of(*rule, content);
    message.pool = rule->pool;
  }
  WEIR_CHECK(apply_submission(received, message));
  bool has_fields = false;
  HeaderScanner scanner(content);
  while (const auto field = scanner.next()) {
    if (!has_name_prefix(*field, field_prefix)) continue;
    has_fields = true;
    WEIR_CHECK(
        apply_field(field->name.substr(field_prefix.size()), unfold(field->value), now, message));
  }
  if (has_fields) remove_fields(content, field_prefix);

  const engine::MessageClass* klass = find_class(message.message_class);
  if (klass == nullptr) klass = &options_.classes.front();
  message.message_class = klass->name;
  if (message.tenant.empty())
    message.tenant = std::string(received.envelope.reverse_path.mailbox.domain());
  if (message.expires_at == UnixTime{})
    message.expires_at = std::max(now, message.not_before) + klass->expiry;
  if (message.deadline == UnixTime{} && klass->deadline > Duration::zero())
    message.deadline = now + klass->deadline;
  return {};
}

bool Policy::is_suppressed(const Mailbox& recipient) const {
  return options_.suppression && options_.suppression->contains(recipient);
}

}  // namespace mailweir::relay
