// The AdminPort is everything the console and the commands may ask of a running server; the relay
// implements it.
//
// Every call may come from any thread and must not block. Each `done` is called exactly once, on
// any thread, possibly before the call returns. Errors are values: `not_found`, `invalid_argument`
// (the asker is wrong: the text says how), `refused`, `overloaded`, `io`; the console turns them
// into problem details (RFC 9457). The implementation outlives the HTTP server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "console/moment.h"
#include "console/path_port.h"
#include "engine/engine.h"
#include "mail/envelope.h"
#include "mail/reply.h"
#include "mail/stored_message.h"

namespace mailweir::console {

enum class Mode : std::uint8_t {
  sandbox,
  live
};  // sandbox: everything is delivered into the built-in sink

// Counted since the start of the process.
struct Counters {
  std::uint64_t messages_accepted = 0;
  std::uint64_t recipients_accepted = 0;
  std::uint64_t delivered = 0;  // recipients, as all below
  std::uint64_t deferred = 0;   // attempts that ended in a deferral
  std::uint64_t bounced = 0;
  std::uint64_t expired = 0;
  std::uint64_t deleted = 0;
};

struct Disk {
  std::uint64_t spool_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

struct ServerStatus {
  Moment moment;
  UnixTime started{};
  std::string version;
  std::string node;  // host name the server introduces itself by
  Mode mode = Mode::sandbox;
  std::string data_dir;
  std::string config_file;             // empty: built-in defaults
  std::vector<std::string> listeners;  // "smtp 127.0.0.1:2525", "http 127.0.0.1:8025", …
  std::vector<std::string>
      troubles;  // what a person must know now, e.g. "the disk is nearly full: new mail is refused"
  engine::Totals totals;
  std::vector<engine::QueueRow> providers;  // summary by provider
  std::vector<engine::PathView> paths;
  std::vector<ExplainedPath> stopped_paths;  // held or paused, the first of them
  std::uint64_t paths_held = 0;
  std::uint64_t paths_paused = 0;
  std::uint64_t paths_stopped = 0;            // either, or both
  std::vector<engine::FindingView> findings;  // of the diagnosis, that stand
  std::uint64_t unknown_refusals = 0;
  Counters counters;
  Disk disk;
};

struct QueueSummary {
  Moment moment;
  std::vector<engine::QueueRow> rows;
  engine::Totals totals;
};

// A waiting recipient with what the engine does not keep.
struct ListedRecipient {
  engine::RecipientView view;
  std::string mailbox;       // forward-path
  std::string reverse_path;  // empty: `<>`
  std::uint64_t size = 0;    // of the content, bytes
  std::string reply_text;    // of the last attempt, verbatim; empty when there was none
};

struct RecipientPage {
  Moment moment;
  std::vector<ListedRecipient>
      recipients;  // by message id; the recipients of one message are never split between pages
};

// A recipient of a message still in the spool; a settled one carries its final disposition in the
// view.
struct RecipientDetail {
  engine::RecipientView view;
  std::string reply_text;
};

struct MessageDetail {
  Moment moment;
  StoredMessage message;
  std::vector<RecipientDetail> recipients;  // one for each of the envelope, same order
  std::string headers;                      // the header section as stored
};

enum class Action : std::uint8_t { retry, hold, release, remove };
std::string_view to_string(Action action);  // "retry", "hold", "release", "delete"

struct ActionRequest {
  Action action = Action::retry;
  std::vector<MessageId> ids;  // these,
  std::optional<engine::ListFilter>
      filter;  // or all that have a recipient matching this (an empty filter matches everything)
  bool dry_run = false;  // count only
  std::string reason;    // for the event log
  std::string actor;     // "uid 1000", for the event log
};

struct ActionResult {
  std::uint64_t matched = 0;  // messages named or found
  std::uint64_t changed =
      0;  // messages the action changed, or (dry run) all that it would be applied to
  std::vector<MessageId> not_found;
};

struct ConfigText {
  std::string file;  // empty: built-in defaults
  std::string toml;  // secrets replaced by "***"
};

struct ReloadResult {
  bool changed = false;
  std::vector<std::string>
      effects;  // one sentence each: "source mx1: caps changed; 3 connections kept"
};

struct Submission {
  Envelope envelope;
  std::string
      content;  // CRLF lines, begins with a header field; Received is the implementation's to add
  std::string message_class;
  std::string tenant;
  std::string campaign;
  UnixTime not_before{};  // zero: at once
  std::string actor;
};

// Durable under this id, or the refusal as SMTP would have put it (452 4.3.1 …).
using SubmitResult = std::variant<MessageId, Reply>;

struct Health {
  bool is_ready = false;
  std::string
      detail;  // one line: "accepting mail", "restoring the queue", "stopping", "the disk is full"
};

class AdminPort : public PathPort {
 public:
  virtual void status(Done<ServerStatus> done) = 0;
  virtual void queue(engine::QueueKey key, Done<QueueSummary> done) = 0;
  // At least `count` recipients if there are as many, in id order, of messages above `after`.
  virtual void list(engine::ListFilter filter, MessageId after, std::size_t count,
                    Done<RecipientPage> done) = 0;
  virtual void message(MessageId id, Done<MessageDetail> done) = 0;
  virtual void content(MessageId id, Done<std::shared_ptr<const std::string>> done) = 0;
  // The events of one message, oldest first, each a JSON object in one line as the event log has
  // it. Known for messages that have left the spool too, as long as the log is kept; `not_found`
  // when the log has none.
  virtual void trace(MessageId id, Done<std::vector<std::string>> done) = 0;
  virtual void act(ActionRequest request, Done<ActionResult> done) = 0;
  virtual void config_show(bool non_default, Done<ConfigText> done) = 0;
  // `invalid_argument` with the whole report when the new configuration is wrong; the old one then
  // stays.
  virtual void reload(std::string actor, Done<ReloadResult> done) = 0;
  virtual void submit(Submission submission, Done<SubmitResult> done) = 0;
  virtual void metrics(Done<std::string> done) = 0;  // Prometheus text format 0.0.4
  virtual Health health() const = 0;
};

}  // namespace mailweir::console
