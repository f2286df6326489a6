// Events are what happened, as facts: the one source of traces, statistics and incident records
// (docs/events.md).
//
// Everything in an event is borrowed for the length of the call that records it. The JSON names are
// stable: fields are added, never renamed. Addresses, host names and replies are written as they
// were; an event holds no content of mail.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "mail/envelope.h"
#include "mail/reply.h"
#include "mail/stored_message.h"
#include "operations/json_line.h"

namespace mailweir::operations {

struct ServerStarted {  // server.started
  std::string_view version;
  std::string_view mode;
  std::string_view hostname;
  std::string_view data_dir;
  std::uint64_t messages_recovered = 0;
  Duration start_time{};
};

struct ServerStopped {  // server.stopped
  std::string_view reason;
  Duration uptime{};
};

enum class ConfigStep : std::uint8_t { loaded, reloaded, rejected };

struct ConfigChanged {  // config.loaded, config.reloaded, config.rejected
  ConfigStep step = ConfigStep::loaded;
  std::span<const std::string> files;
  std::span<const std::string> changes;   // one line a person reads for each
  std::span<const std::string> problems;  // of a rejected one; warnings otherwise
};

struct MessageReceived {  // message.received
  MessageId id;
  std::string_view client;
  std::string_view helo;
  std::string_view tls;
  std::string_view listener;
  std::string_view sender;  // the reverse-path; empty for the null one
  std::span<const Recipient> recipients;
  std::uint64_t size_bytes = 0;
  std::string_view message_class;
  std::string_view tenant;
  std::string_view campaign;
};

struct TimedPhase {
  Phase phase = Phase::connect;
  Duration elapsed{};
};

// One transaction, for those of its recipients that fared alike: `outcome` is their disposition
// after it.
struct Attempt {  // attempt
  MessageId id;
  std::span<const std::string_view> recipients;
  std::string_view source;
  std::string_view source_address;  // empty: the system chose
  std::string_view provider;
  std::string_view host;
  std::string_view address;
  std::string_view tls;
  Phase phase = Phase::end_of_data;
  Disposition outcome = Disposition::delivered;
  std::string_view failure;      // engine::to_string(Failure); empty when a reply decided
  const Reply* reply = nullptr;  // null: there was none
  std::uint32_t attempt = 1;
  std::span<const TimedPhase> timings;
  std::optional<UnixTime> next_due;  // of deferred recipients
  std::string_view transcript;       // redacted; of failures only
};

// A session that could not be opened, or one address of it.
struct ConnectionFailed {  // connection.failed
  std::string_view source;
  std::string_view source_address;
  std::string_view provider;
  std::string_view host;
  std::string_view address;
  Phase phase = Phase::connect;
  std::string_view failure;
  const Reply* reply = nullptr;
  Duration elapsed{};
  std::string_view transcript;
};

// A recipient's end that no attempt event tells: expired, suppressed, deleted, or bounced without
// an attempt.
struct RecipientSettled {  // disposition
  MessageId id;
  std::string_view recipient;
  Disposition disposition = Disposition::bounced;
  std::uint32_t attempts = 0;
  std::string_view failure;
  const Reply* reply = nullptr;
  std::string_view reason;  // for a person, when neither failure nor reply tells
};

enum class OperatorAction : std::uint8_t { held, released, deleted, retried };

struct OperatorActed {  // message.held, message.released, message.deleted, message.retried
  OperatorAction action = OperatorAction::held;
  MessageId id;
  std::string_view by;      // "unix:0", "api"
  std::string_view reason;  // as the operator gave it
};

// What the engine tells of a path (engine/notice.h); rates in messages per second, infinite:
// without a limit.
struct PathNoticed {      // throttle.detected, step, step.judged, probe, recovered, drained,
  std::string_view type;  // diagnosed, cleared, unknown_refusal
  std::string_view source;
  std::string_view provider;
  std::string_view cell;
  std::string_view cause;
  bool has_rates = false;
  double from = 0.0;
  double to = 0.0;
  std::string_view verdict;
  std::uint32_t paths_held = 0;
  std::uint32_t paths_used = 0;
  double refused_share = 0.0;
  std::uint64_t waiting = 0;
  std::optional<UnixTime> since;
  Phase phase = Phase::connect;
  std::string_view failure;
  const Reply* reply = nullptr;
  std::string_view rule;
  std::string_view suspect;
  std::string_view suspect_campaign;
  double suspect_share = 0.0;
  double suspect_growth = 0.0;  // infinite: it was not there
  double suspect_bounced = 0.0;
  double suspect_tenant_growth = 0.0;  // of a campaign's tenant with all its mail
  std::string_view detail;
};

enum class PathAction : std::uint8_t { paused, capped, taken_back, ended, forgotten };

// An operator's hand on paths, and its end.
struct PathActed {  // path.paused, path.capped, path.taken_back, path.ended, path.forgotten
  PathAction action = PathAction::paused;
  std::string_view source;  // "*": every one
  std::string_view provider;
  std::uint64_t hand = 0;  // its id; 0: none
  std::string_view rate;
  std::optional<std::uint32_t> connections;
  std::optional<UnixTime> until;
  std::string_view by;      // empty: its time was over
  std::string_view reason;  // as the operator gave it
  std::string_view detail;  // of a forgotten path: what was known
};

struct DsnSent {               // dsn.sent
  MessageId id;                // the message reported on
  MessageId dsn;               // the report
  std::string_view recipient;  // whom it goes to
  std::span<const std::string_view> failed;
};

struct SpoolFull {  // spool.full
  std::uint64_t bytes_free = 0;
  std::uint64_t bytes_free_min = 0;
};

struct SpoolRecovered {  // spool.recovered
  std::uint64_t bytes_free = 0;
  Duration lasted{};
};

struct RouteLookupFailed {  // route.failed
  std::string_view domain;
  std::string_view failure;
  std::string_view detail;
  std::optional<UnixTime> next_due;
};

// A stored record or content that fails its check: it stays in the spool and is not delivered.
struct MessageUnreadable {  // message.unreadable
  MessageId id;             // zero: not a single message
  std::string_view error;
  std::string_view detail;
};

// What the log writes of its own: events that found no room in its buffer.
struct EventsDropped {  // log.dropped
  std::uint64_t count = 0;
};

std::string_view type_of(const ServerStarted&);
std::string_view type_of(const ServerStopped&);
std::string_view type_of(const ConfigChanged& event);
std::string_view type_of(const MessageReceived&);
std::string_view type_of(const Attempt&);
std::string_view type_of(const ConnectionFailed&);
std::string_view type_of(const RecipientSettled&);
std::string_view type_of(const OperatorActed& event);
std::string_view type_of(const PathNoticed& event);
std::string_view type_of(const PathActed& event);
std::string_view type_of(const DsnSent&);
std::string_view type_of(const SpoolFull&);
std::string_view type_of(const SpoolRecovered&);
std::string_view type_of(const RouteLookupFailed&);
std::string_view type_of(const MessageUnreadable&);
std::string_view type_of(const EventsDropped&);

// Writes everything but time, type and id.
void write_fields(JsonLine& line, const ServerStarted& event);
void write_fields(JsonLine& line, const ServerStopped& event);
void write_fields(JsonLine& line, const ConfigChanged& event);
void write_fields(JsonLine& line, const MessageReceived& event);
void write_fields(JsonLine& line, const Attempt& event);
void write_fields(JsonLine& line, const ConnectionFailed& event);
void write_fields(JsonLine& line, const RecipientSettled& event);
void write_fields(JsonLine& line, const OperatorActed& event);
void write_fields(JsonLine& line, const PathNoticed& event);
void write_fields(JsonLine& line, const PathActed& event);
void write_fields(JsonLine& line, const DsnSent& event);
void write_fields(JsonLine& line, const SpoolFull& event);
void write_fields(JsonLine& line, const SpoolRecovered& event);
void write_fields(JsonLine& line, const RouteLookupFailed& event);
void write_fields(JsonLine& line, const MessageUnreadable& event);
void write_fields(JsonLine& line, const EventsDropped& event);

// The message an event belongs to; zero for those of the server as a whole.
template <class Event>
MessageId message_of(const Event& event) {
  if constexpr (requires { event.id; }) {
    return event.id;
  } else {
    return MessageId{};
  }
}

// The event as one line of JSON, with its newline; valid until `line` is used again.
template <class Event>
std::string_view to_json(JsonLine& line, UnixTime time, const Event& event) {
  line.begin();
  line.field("time", time);
  line.field("type", type_of(event));
  if (const MessageId id = message_of(event); id != MessageId{}) line.field("id", to_string(id));
  write_fields(line, event);
  return line.end();
}

}  // namespace mailweir::operations
