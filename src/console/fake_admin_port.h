// A server with three messages and fixed clocks, for tests: answers at once and remembers what it
// was asked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "console/fake_path_port.h"

namespace mailweir::console {

class FakeAdminPort : public FakePathPort {
 public:
  FakeAdminPort() {
    add_waiting();
    add_message();
  }

  void status(Done<ServerStatus> done) override {
    if (failure) return done(std::unexpected(*failure));
    done(server);
  }
  void queue(engine::QueueKey key, Done<QueueSummary> done) override {
    asked_key = key;
    if (failure) return done(std::unexpected(*failure));
    done(QueueSummary{moment, server.providers, server.totals});
  }
  void list(engine::ListFilter filter, MessageId after, std::size_t count,
            Done<RecipientPage> done) override {
    asked_filter = std::move(filter);
    RecipientPage page{moment, {}};
    for (const ListedRecipient& recipient : waiting) {
      if (recipient.view.id > after && page.recipients.size() < count)
        page.recipients.push_back(recipient);
    }
    done(std::move(page));
  }
  void message(MessageId id, Done<MessageDetail> done) override {
    if (id != detail.message.id)
      return done(fail(Errc::not_found, "no message " + to_string(id) + " is queued"));
    done(detail);
  }
  void content(MessageId id, Done<std::shared_ptr<const std::string>> done) override {
    if (id != detail.message.id)
      return done(fail(Errc::not_found, "no message " + to_string(id) + " is queued"));
    done(std::make_shared<const std::string>(mail));
  }
  void trace(MessageId id, Done<std::vector<std::string>> done) override {
    if (id != detail.message.id)
      return done(fail(Errc::not_found, "the event log does not know " + to_string(id)));
    done(events);
  }
  void act(ActionRequest request, Done<ActionResult> done) override {
    asked_action = std::move(request);
    ActionResult result;
    result.matched = asked_action.filter ? waiting.size() : asked_action.ids.size();
    for (const MessageId id : asked_action.ids) {
      if (id != detail.message.id) result.not_found.push_back(id);
    }
    result.changed = result.matched - result.not_found.size();
    done(std::move(result));
  }
  void config_show(bool non_default, Done<ConfigText> done) override {
    done(ConfigText{
        "", non_default ? "mode = \"live\"\n" : "mode = \"live\"\nhostname = \"mx.example\"\n"});
  }
  void reload(std::string actor, Done<ReloadResult> done) override {
    asked_actor = std::move(actor);
    if (failure) return done(std::unexpected(*failure));
    done(reload_result);
  }
  void submit(Submission submission, Done<SubmitResult> done) override {
    submitted = std::move(submission);
    if (refusal.code != 0) return done(SubmitResult(refusal));
    done(SubmitResult(detail.message.id));
  }
  void metrics(Done<std::string> done) override {
    done("# TYPE mailweir_queued gauge\nmailweir_queued 3\n");
  }
  Health health() const override {
    return {is_ready, is_ready ? "accepting mail" : "restoring the queue"};
  }

  ServerStatus server;
  std::vector<ListedRecipient> waiting;
  MessageDetail detail;
  std::string mail = "Subject: hello\r\n\r\nbody\r\n";
  std::vector<std::string> events;
  std::optional<Error> failure;
  Reply refusal;
  bool is_ready = true;

  engine::QueueKey asked_key{};
  engine::ListFilter asked_filter;
  ActionRequest asked_action;
  ReloadResult reload_result{true, {"source mx1: caps changed; 3 connections kept"}};
  std::string asked_actor;
  Submission submitted;

 private:
  Instant ago(std::chrono::seconds time) const { return moment.now - time; }

  void add_recipient(std::uint64_t id, std::string mailbox, engine::RecipientView view,
                     std::string reply) {
    view.id = MessageId{id};
    view.message_class = "default";
    view.expires = moment.now + std::chrono::days(5);
    waiting.push_back(
        {std::move(view), std::move(mailbox), "app@sender.example", 4096, std::move(reply)});
  }

  void add_waiting() {
    using std::chrono::seconds;
    engine::RecipientView refused;
    refused.disposition = Disposition::deferred;
    refused.attempts = 2;
    refused.reply_code = 451;
    refused.domain = "example.com";
    refused.provider = "microsoft";
    refused.accepted = ago(seconds(192));
    refused.reason = engine::WaitReason::retry;
    refused.until = refused.due = moment.now + seconds(45);
    add_recipient(1, "ken@example.com", refused, "4.7.500 Server busy. Please try again later");
    engine::RecipientView in_flight;
    in_flight.domain = "gmail.example";
    in_flight.provider = "google";
    in_flight.accepted = ago(seconds(2));
    add_recipient(2, "aya@gmail.example", in_flight, "");
    engine::RecipientView held = in_flight;
    held.disposition = Disposition::held;
    held.reason = engine::WaitReason::held;
    add_recipient(3, "bo@gmail.example", held, "");
    server.moment = moment;
    server.started = moment.wall - seconds(3723);
    server.version = "0.1.0";
    server.node = "mx.sender.example";
    server.data_dir = "./var";
    server.listeners = {"smtp 127.0.0.1:2525"};
    server.totals = {.messages = 3,
                     .recipients = 3,
                     .ready = 0,
                     .deferred = 1,
                     .held = 1,
                     .in_flight = 1,
                     .sessions = 1,
                     .oldest = ago(seconds(192))};
    server.providers = {{"google", 0, 0, 1, 1, ago(seconds(2))},
                        {"microsoft", 0, 1, 0, 0, ago(seconds(192))}};
    server.paths = {
        {.source = "mx1", .provider = "google", .connections = 1, .in_flight = 1, .delivered = 40},
        {.source = "mx1", .provider = "microsoft", .delivered = 7, .deferred = 2, .bounced = 1}};
    server.paths[1].caps.message_rate = Rate{20, std::chrono::minutes(1)};
    server.counters = {.messages_accepted = 50,
                       .recipients_accepted = 51,
                       .delivered = 47,
                       .deferred = 2,
                       .bounced = 1,
                       .expired = 0,
                       .deleted = 0};
    server.disk = {1 << 20, 1ULL << 40, 1ULL << 41};
  }

  void add_message() {
    StoredMessage& message = detail.message;
    message.id = MessageId{1};
    message.envelope.reverse_path.mailbox = Mailbox::from_parts("app", "sender.example");
    message.envelope.recipients = {
        {Mailbox::from_parts("ken", "example.com"), DsnNotify::unspecified, ""}};
    message.received_at = moment.wall - std::chrono::seconds(192);
    message.expires_at = moment.wall + std::chrono::days(5);
    message.message_class = "default";
    message.client = "192.0.2.7 [host.example]";
    message.body_size = 4096;
    detail.moment = moment;
    detail.recipients = {{waiting[0].view, waiting[0].reply_text}};
    detail.headers = "Subject: hello\r\n";
    events = {
        R"({"time":"2026-09-21T14:10:08.000Z","type":"message.received","id":"0000000000001","client":"192.0.2.7","helo":"app","listener":"127.0.0.1:2525","sender":"app@sender.example","recipients":["ken@example.com"],"size_bytes":4096,"class":"default"})",
        R"({"time":"2026-09-21T14:10:09.500Z","type":"attempt","id":"0000000000001","recipients":["ken@example.com"],"outcome":"deferred","attempt":1,"phase":"end_of_data","reply":{"code":451,"enhanced":"4.7.500","text":"4.7.500 Server busy.\nPlease try again later"},"source":"mx1","source_address":"198.51.100.1","provider":"microsoft","host":"mx.example.com","address":"203.0.113.9:25","timings_ms":{"connect":12.0,"end_of_data":85.5},"next_due":"2026-09-21T14:11:09.500Z","transcript":"S: 220 mx.example.com\nC: EHLO mx.sender.example"})",
        R"({"time":"2026-09-21T14:10:10.000Z","type":"message.retried","id":"0000000000001","by":"uid 1000","reason":"customer called"})",
        R"({"time":"2026-09-21T14:10:11.000Z","type":"attempt","id":"0000000000001","recipients":["ken@exam)"};  // torn by a crash
  }
};

}  // namespace mailweir::console
