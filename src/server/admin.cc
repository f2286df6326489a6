#include "server/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mail/header.h"
#include "mail/received.h"

namespace mailweir::server {
namespace {

// So many messages are acted upon before the engine is let go: mail flows on beside a bulk action.
constexpr std::size_t action_page = 500;

operations::OperatorAction event_of(console::Action action) {
  switch (action) {
    case console::Action::retry:
      return operations::OperatorAction::retried;
    case console::Action::hold:
      return operations::OperatorAction::held;
    case console::Action::release:
      return operations::OperatorAction::released;
    case console::Action::remove:
      return operations::OperatorAction::deleted;
  }
  return operations::OperatorAction::held;
}

bool apply(engine::Engine& engine, console::Action action, MessageId id, Instant now) {
  switch (action) {
    case console::Action::retry:
      return engine.retry_now(id, now);
    case console::Action::hold:
      return engine.hold(id, now);
    case console::Action::release:
      return engine.release(id, now);
    case console::Action::remove:
      return engine.remove(id, now);
  }
  return false;
}

Error explain(MessageId id, Error error) {
  if (error.code != Errc::not_found) return error;
  return {
      error.code,
      fmt::format(
          "message {} is not in the queue; if it was, `mailweir trace {}` tells what became of it",
          to_string(id), to_string(id))};
}

std::string header_section(const std::string& content) {
  HeaderScanner scanner(content);
  while (scanner.next()) {
  }
  return content.substr(0, scanner.fields_size());
}

}  // namespace

// A bulk action on its way through the queue.
struct Admin::BulkAction {
  console::ActionRequest request;  // `ids`: each once, unless it goes by filter
  console::Done<console::ActionResult> done;
  console::ActionResult result;
  std::size_t next = 0;  // of `ids`
  MessageId after{};     // what the filter has been through
  MessageId end{};       // the filter leaves alone what came after the action was asked for

  // The next page of messages; empty at the end.
  std::vector<MessageId> take_page(engine::Engine& engine, Instant now) {
    std::vector<MessageId> page;
    if (!request.filter) {
      const std::size_t page_end = std::min(request.ids.size(), next + action_page);
      for (; next < page_end; ++next) page.push_back(request.ids[next]);
      return page;
    }
    for (const engine::RecipientView& view :
         engine.list(*request.filter, after, action_page, now)) {
      if (!(view.id < end)) break;
      if (page.empty() || page.back() != view.id) page.push_back(view.id);
    }
    if (!page.empty()) after = page.back();
    return page;
  }
};

void Admin::set_ready(bool ready, std::string detail) {
  const std::lock_guard lock(health_mutex_);
  health_ = {ready, std::move(detail)};
}

console::Health Admin::health() const {
  const std::lock_guard lock(health_mutex_);
  return health_;
}

std::vector<std::string> Admin::troubles(const spool::Usage& usage) const {
  std::vector<std::string> found;
  if (usage.bytes_free < facts_.free_min) {
    found.push_back(
        fmt::format("the disk is nearly full ({} MiB free, spool.free_min is {} MiB): new mail is "
                    "refused with 452; "
                    "free some space, deliveries go on",
                    usage.bytes_free >> 20, facts_.free_min >> 20));
  }
  const auto log = ports_.log.statistics();
  if (!log.last_error.empty()) {
    found.push_back(fmt::format(
        "the event log cannot be written: {}; mail is not affected, events are being lost",
        log.last_error));
  }
  return found;
}

void Admin::status(console::Done<console::ServerStatus> done) {
  ports_.relay.with_engine([this, done = std::move(done)](engine::Engine& engine, Instant now) {
    const spool::Usage usage = ports_.spool.usage();
    console::ServerStatus status;
    status.moment = moment(now);
    status.started = facts_.started;
    status.version = facts_.version;
    status.node = facts_.node;
    status.mode = facts_.mode;
    status.data_dir = facts_.data_dir;
    status.config_file = facts_.config_file;
    status.listeners = facts_.listeners;
    status.troubles = troubles(usage);
    for (const std::string& source : engine.unusable_sources(now))
      status.troubles.push_back(fmt::format(
          "source {0} cannot be used: its address is not on this machine; mail that may leave from "
          "it alone waits; add the address to an interface, or correct [[source]] {0}",
          source));
    status.totals = engine.totals();
    status.providers = engine.summary(engine::QueueKey::provider);
    status.paths = engine.paths(now);
    add_stopped_paths(status, engine, now);
    status.unknown_refusals = ports_.recorder.paths().unknown_refusals().total();
    const relay::RecordedTotals& totals = ports_.recorder.totals();
    status.counters = {totals.messages_accepted,
                       totals.recipients_accepted,
                       totals.delivered,
                       totals.deferrals,
                       totals.bounced,
                       totals.expired,
                       totals.deleted};
    status.disk = {usage.bytes_on_disk, usage.bytes_free, usage.bytes_total};
    done(std::move(status));
  });
}

void Admin::queue(engine::QueueKey key, console::Done<console::QueueSummary> done) {
  ports_.relay.with_engine(
      [this, key, done = std::move(done)](engine::Engine& engine, Instant now) {
        done(console::QueueSummary{moment(now), engine.summary(key), engine.totals()});
      });
}

console::ListedRecipient Admin::listed(engine::RecipientView view) const {
  console::ListedRecipient row;
  if (const auto message = ports_.spool.read_message(view.id)) {
    row.reverse_path = message->envelope.reverse_path.text();
    row.size = message->body_size;
    if (view.recipient < message->envelope.recipients.size()) {
      row.mailbox = message->envelope.recipients[view.recipient].mailbox.text();
    }
  }
  if (const auto state = ports_.spool.read_state(view.id, view.recipient); state && *state) {
    row.reply_text = (*state)->reply_text;
  }
  row.view = std::move(view);
  return row;
}

void Admin::list(engine::ListFilter filter, MessageId after, std::size_t count,
                 console::Done<console::RecipientPage> done) {
  ports_.relay.with_engine([this, filter = std::move(filter), after, count, done = std::move(done)](
                               engine::Engine& engine, Instant now) {
    auto views = engine.list(filter, after, count, now);
    ports_.reader.post([this, views = std::move(views), at = moment(now), done]() mutable {
      console::RecipientPage page{at, {}};
      page.recipients.reserve(views.size());
      for (engine::RecipientView& view : views) page.recipients.push_back(listed(std::move(view)));
      done(std::move(page));
    });
  });
}

void Admin::message(MessageId id, console::Done<console::MessageDetail> done) {
  ports_.relay.with_engine([this, id, done = std::move(done)](engine::Engine& engine, Instant now) {
    auto views = engine.view(id, now);
    ports_.reader.post([this, id, views = std::move(views), at = moment(now), done]() mutable {
      auto stored = ports_.spool.read_message(id);
      if (!stored) {
        done(std::unexpected(explain(id, std::move(stored).error())));
        return;
      }
      console::MessageDetail detail{
          .moment = at, .message = std::move(*stored), .recipients = {}, .headers = {}};
      for (std::size_t i = 0; i < detail.message.envelope.recipients.size(); ++i) {
        console::RecipientDetail recipient;
        const auto waiting = std::ranges::find(views, i, &engine::RecipientView::recipient);
        const auto state = ports_.spool.read_state(id, static_cast<std::uint16_t>(i));
        if (waiting != views.end()) recipient.view = std::move(*waiting);
        recipient.view.id = id;
        recipient.view.recipient = static_cast<std::uint16_t>(i);
        if (state && *state) {
          recipient.reply_text = (*state)->reply_text;
          if (waiting == views.end()) {
            recipient.view.disposition = (*state)->disposition;
            recipient.view.attempts = (*state)->attempts;
            recipient.view.reply_code = (*state)->reply_code;
          }
        }
        detail.recipients.push_back(std::move(recipient));
      }
      if (const auto content = ports_.spool.read_content(detail.message))
        detail.headers = header_section(**content);
      done(std::move(detail));
    });
  });
}

void Admin::content(MessageId id, console::Done<std::shared_ptr<const std::string>> done) {
  ports_.reader.post([this, id, done = std::move(done)] {
    auto stored = ports_.spool.read_message(id);
    if (!stored) {
      done(std::unexpected(explain(id, std::move(stored).error())));
      return;
    }
    done(ports_.spool.read_content(*stored));
  });
}

void Admin::trace(MessageId id, console::Done<std::vector<std::string>> done) {
  ports_.reader.post([this, id, done = std::move(done)] {
    auto lines = ports_.log.trace(id);
    if (lines && lines->empty()) {
      lines =
          fail(Errc::not_found, fmt::format("the event log knows no message {}", to_string(id)));
    }
    done(std::move(lines));
  });
}

void Admin::act(console::ActionRequest request, console::Done<console::ActionResult> done) {
  std::ranges::sort(request.ids);
  const auto repeated = std::ranges::unique(request.ids);
  request.ids.erase(repeated.begin(), repeated.end());
  auto bulk = std::make_shared<BulkAction>(std::move(request), std::move(done));
  bulk->end = ports_.relay.next_id();
  act_on_page(std::move(bulk));
}

void Admin::act_on_page(std::shared_ptr<BulkAction> bulk) {
  ports_.relay.with_engine([this, bulk = std::move(bulk)](engine::Engine& engine, Instant now) {
    const console::ActionRequest& request = bulk->request;
    console::ActionResult& result = bulk->result;
    const std::vector<MessageId> page = bulk->take_page(engine, now);
    for (const MessageId id : page) {
      if (!request.filter && engine.view(id, now).empty()) {
        result.not_found.push_back(id);
        continue;
      }
      ++result.matched;
      if (request.dry_run) {
        ++result.changed;
      } else if (apply(engine, request.action, id, now)) {
        ++result.changed;
        ports_.recorder.operator_acted(event_of(request.action), id, request.actor, request.reason);
      }
    }
    if (page.empty() || is_stopping_) {
      bulk->done(std::move(result));
    } else {
      act_on_page(bulk);
    }
  });
}

void Admin::config_show(bool non_default, console::Done<console::ConfigText> done) {
  done(console::ConfigText{facts_.config_file, facts_.config_text(non_default)});
}

void Admin::reload(std::string actor, console::Done<console::ReloadResult> done) {
  ports_.reader.post(
      [this, actor = std::move(actor), done = std::move(done)] { done(facts_.reload(actor)); });
}

void Admin::submit(console::Submission submission, console::Done<console::SubmitResult> done) {
  if (auto refusal = ports_.relay.admission(submission.content.size())) {
    done(console::SubmitResult(std::move(*refusal)));
    return;
  }
  intake::ReceivedMessage message;
  message.client_address = submission.actor;
  message.client_helo = "api";
  message.listener = "api";
  message.message_class = std::move(submission.message_class);
  message.tenant = std::move(submission.tenant);
  message.campaign = std::move(submission.campaign);
  message.not_before = submission.not_before;
  message.content =
      compose_received({.by = facts_.node, .protocol = "HTTP", .at = ports_.clock.wall_now()}) +
      submission.content;
  message.envelope = std::move(submission.envelope);
  ports_.relay.accept(std::move(message), [done = std::move(done)](intake::AcceptResult result) {
    done(std::move(result));
  });
}

void Admin::metrics(console::Done<std::string> done) {
  ports_.relay.with_engine([this, done = std::move(done)](engine::Engine& engine, Instant now) {
    ports_.recorder.paths().paths(engine.paths(now));
    ports_.recorder.queue(engine.totals(), engine.summary(engine::QueueKey::message_class), now);
    ports_.reader.post([this, done] { done(ports_.metrics.registry.expose()); });
  });
}

}  // namespace mailweir::server
