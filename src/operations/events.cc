#include "operations/events.h"

#include <algorithm>

namespace mailweir::operations {
namespace {

template <class Texts>
void write_texts(JsonLine& line, std::string_view key, const Texts& texts) {
  if (texts.empty()) return;
  line.begin_array(key);
  for (const std::string_view text : texts) line.element(text);
  line.end_array();
}

void write_reply(JsonLine& line, const Reply* reply) {
  if (reply == nullptr || reply->code == 0) return;
  line.begin_object("reply");
  line.field("code", reply->code);
  if (reply->enhanced) line.field("enhanced", to_string(*reply->enhanced));
  line.field("text", reply->text);
  line.end_object();
}

void write_timings(JsonLine& line, std::span<const TimedPhase> timings) {
  if (timings.empty()) return;
  line.begin_object("timings_ms");
  for (const TimedPhase& timing : timings)
    line.milliseconds_field(to_string(timing.phase), timing.elapsed);
  line.end_object();
}

std::uint64_t milliseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)) / 1000;
}

}  // namespace

std::string_view type_of(const ServerStarted&) {
  return "server.started";
}
std::string_view type_of(const ServerStopped&) {
  return "server.stopped";
}
std::string_view type_of(const MessageReceived&) {
  return "message.received";
}
std::string_view type_of(const Attempt&) {
  return "attempt";
}
std::string_view type_of(const ConnectionFailed&) {
  return "connection.failed";
}
std::string_view type_of(const RecipientSettled&) {
  return "disposition";
}
std::string_view type_of(const DsnSent&) {
  return "dsn.sent";
}
std::string_view type_of(const SpoolFull&) {
  return "spool.full";
}
std::string_view type_of(const SpoolRecovered&) {
  return "spool.recovered";
}
std::string_view type_of(const RouteLookupFailed&) {
  return "route.failed";
}
std::string_view type_of(const MessageUnreadable&) {
  return "message.unreadable";
}

std::string_view type_of(const EventsDropped&) {
  return "log.dropped";
}

std::string_view type_of(const ConfigChanged& event) {
  switch (event.step) {
    case ConfigStep::loaded:
      return "config.loaded";
    case ConfigStep::reloaded:
      return "config.reloaded";
    case ConfigStep::rejected:
      return "config.rejected";
  }
  return "config.unknown";
}

std::string_view type_of(const OperatorActed& event) {
  switch (event.action) {
    case OperatorAction::held:
      return "message.held";
    case OperatorAction::released:
      return "message.released";
    case OperatorAction::deleted:
      return "message.deleted";
    case OperatorAction::retried:
      return "message.retried";
  }
  return "message.unknown";
}

std::string_view type_of(const PathNoticed& event) {
  return event.type;
}

std::string_view type_of(const PathActed& event) {
  switch (event.action) {
    case PathAction::paused:
      return "path.paused";
    case PathAction::capped:
      return "path.capped";
    case PathAction::taken_back:
      return "path.taken_back";
    case PathAction::ended:
      return "path.ended";
    case PathAction::forgotten:
      return "path.forgotten";
  }
  return "path.unknown";
}

void write_fields(JsonLine& line, const ServerStarted& event) {
  line.field("version", event.version);
  line.field("mode", event.mode);
  line.field("hostname", event.hostname);
  line.field("data_dir", event.data_dir);
  line.field("messages_recovered", event.messages_recovered);
  line.field("start_ms", milliseconds(event.start_time));
}

void write_fields(JsonLine& line, const ServerStopped& event) {
  line.field("reason", event.reason);
  line.field("uptime_s", milliseconds(event.uptime) / 1000);
}

void write_fields(JsonLine& line, const ConfigChanged& event) {
  write_texts(line, "files", event.files);
  write_texts(line, "changes", event.changes);
  write_texts(line, "problems", event.problems);
}

void write_fields(JsonLine& line, const MessageReceived& event) {
  line.field("client", event.client);
  line.field("helo", event.helo);
  line.field_if("tls", event.tls);
  line.field("listener", event.listener);
  line.field("sender", event.sender);
  line.begin_array("recipients");
  for (const Recipient& recipient : event.recipients) line.element(recipient.mailbox.text());
  line.end_array();
  line.field("size_bytes", event.size_bytes);
  line.field("class", event.message_class);
  line.field_if("tenant", event.tenant);
  line.field_if("campaign", event.campaign);
}

void write_fields(JsonLine& line, const Attempt& event) {
  write_texts(line, "recipients", event.recipients);
  line.field("outcome", to_string(event.outcome));
  line.field("attempt", event.attempt);
  line.field("phase", to_string(event.phase));
  line.field_if("failure", event.failure);
  write_reply(line, event.reply);
  line.field("source", event.source);
  line.field_if("source_address", event.source_address);
  line.field("provider", event.provider);
  line.field_if("host", event.host);
  line.field_if("address", event.address);
  line.field_if("tls", event.tls);
  write_timings(line, event.timings);
  if (event.next_due) line.field("next_due", *event.next_due);
  line.field_if("transcript", event.transcript);
}

void write_fields(JsonLine& line, const ConnectionFailed& event) {
  line.field("source", event.source);
  line.field_if("source_address", event.source_address);
  line.field("provider", event.provider);
  line.field_if("host", event.host);
  line.field_if("address", event.address);
  line.field("phase", to_string(event.phase));
  line.field_if("failure", event.failure);
  write_reply(line, event.reply);
  line.milliseconds_field("elapsed_ms", event.elapsed);
  line.field_if("transcript", event.transcript);
}

void write_fields(JsonLine& line, const RecipientSettled& event) {
  line.field("recipient", event.recipient);
  line.field("disposition", to_string(event.disposition));
  line.field("attempts", event.attempts);
  line.field_if("failure", event.failure);
  write_reply(line, event.reply);
  line.field_if("reason", event.reason);
}

void write_fields(JsonLine& line, const OperatorActed& event) {
  line.field_if("by", event.by);
  line.field_if("reason", event.reason);
}

void write_fields(JsonLine& line, const PathNoticed& event) {
  line.field_if("source", event.source);
  line.field_if("provider", event.provider);
  line.field_if("cell", event.cell);
  line.field_if("cause", event.cause);
  if (event.has_rates) {
    line.field("from_per_s", event.from);
    line.field("to_per_s", event.to);
  }
  line.field_if("verdict", event.verdict);
  line.field("paths_held", event.paths_held);
  line.field("paths_used", event.paths_used);
  line.field("refused_share", event.refused_share);
  line.field("waiting", event.waiting);
  if (event.since) line.field("since", *event.since);
  if (!event.failure.empty() || event.reply != nullptr) line.field("phase", to_string(event.phase));
  line.field_if("failure", event.failure);
  write_reply(line, event.reply);
  line.field_if("rule", event.rule);
  if (!event.suspect.empty()) {
    line.field("suspect", event.suspect);
    line.field_if("suspect_campaign", event.suspect_campaign);
    line.field("suspect_share", event.suspect_share);
    line.field("suspect_growth", event.suspect_growth);
    line.field("suspect_bounced", event.suspect_bounced);
    if (!event.suspect_campaign.empty())
      line.field("suspect_tenant_growth", event.suspect_tenant_growth);
  }
  line.field_if("detail", event.detail);
}

void write_fields(JsonLine& line, const PathActed& event) {
  line.field("source", event.source);
  line.field("provider", event.provider);
  if (event.hand != 0) line.field("hand", event.hand);
  line.field_if("rate", event.rate);
  if (event.connections) line.field("connections", *event.connections);
  if (event.until) line.field("until", *event.until);
  line.field_if("by", event.by);
  line.field_if("reason", event.reason);
  line.field_if("detail", event.detail);
}

void write_fields(JsonLine& line, const DsnSent& event) {
  line.field("dsn", to_string(event.dsn));
  line.field("recipient", event.recipient);
  write_texts(line, "failed", event.failed);
}

void write_fields(JsonLine& line, const SpoolFull& event) {
  line.field("free_bytes", event.bytes_free);
  line.field("free_min_bytes", event.bytes_free_min);
}

void write_fields(JsonLine& line, const SpoolRecovered& event) {
  line.field("free_bytes", event.bytes_free);
  line.field("lasted_s", milliseconds(event.lasted) / 1000);
}

void write_fields(JsonLine& line, const RouteLookupFailed& event) {
  line.field("domain", event.domain);
  line.field("failure", event.failure);
  line.field_if("detail", event.detail);
  if (event.next_due) line.field("next_due", *event.next_due);
}

void write_fields(JsonLine& line, const MessageUnreadable& event) {
  line.field("error", event.error);
  line.field("detail", event.detail);
}

void write_fields(JsonLine& line, const EventsDropped& event) {
  line.field("count", event.count);
}

}  // namespace mailweir::operations
