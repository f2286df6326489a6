// What the commands say to people, in English and Japanese: one table, checked while compiling.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailweir::cli {

enum class Language : std::uint8_t { english, japanese };

// The last word of each name tells how it is used: `_title` heads a column, the others are
// sentences or parts of one.
enum class Text : std::uint8_t {
  unreachable,
  bad_answer,
  no_answer,
  nothing_queued,
  one_recipient_queued,
  recipients_queued,
  delivering_to_none,
  delivering_to_one,
  delivering_to,
  none_held,
  some_held,
  status_sentence,
  not_ready,
  sandbox,
  since_start,
  server_line,
  file_config,
  default_config,
  listening,
  more_rows,
  provider_title,
  domain_title,
  class_title,
  tenant_title,
  queued_title,
  ready_title,
  in_flight_title,
  deferred_title,
  held_title,
  oldest_title,
  no_recipient_listed,
  next_page,
  time_ahead,
  time_ago,
  on_its_way,
  waits_route,
  waits_not_before,
  waits_retry,
  waits_held,
  waits_next_hop,
  waits_connection,
  waits_message_rate,
  waits_connection_rate,
  waits_turn,
  attempts_made,
  state_queued,
  state_deferred,
  state_held,
  state_delivered,
  state_bounced,
  state_expired,
  state_suppressed,
  state_deleted,
  from_label,
  received_label,
  received_from,
  class_label,
  size_label,
  not_before_label,
  expires_label,
  deadline_label,
  tenant_label,
  pool_label,
  recipients_label,
  headers_label,
  event_received,
  event_attempt,
  event_settled,
  event_operator,
  event_dsn,
  event_timings,
  event_next,
  event_no_reply,
  in_clear,
  no_events,
  would_retry,
  would_hold,
  would_release,
  would_delete,
  did_retry,
  did_hold,
  did_release,
  did_delete,
  not_queued,
  confirm_delete,
  not_confirmed,
  confirm_needs_terminal,
  nothing_matches,
  reloaded,
  reload_waits,
  unchanged,
  config_valid,
  config_is_invalid,
  recipient_label,
  provider_label,
  provider_unknown,
  phase_label,
  category_label,
  scope_label,
  wait_label,
  rule_label,
  action_label,
  category_title,
  count_title,
  meaning_title,
  rules_title,
  samples_title,
  limits_title,
  name_title,
  unknown_refusals,
  no_refusal_found,
  no_such_phase,
  no_such_provider,
  catalogue_valid,
  count_,  // not a text: how many there are
};

std::string_view text_of(Language language, Text text);

// The text with {0}, {1} … filled in.
template <class... Args>
std::string say(Language language, Text text, const Args&... args) {
  return fmt::format(fmt::runtime(text_of(language, text)), args...);
}

// `locale` is the value of LC_ALL, LC_MESSAGES or LANG: Japanese when it begins with "ja".
Language language_of_locale(std::string_view locale);

}  // namespace mailweir::cli
