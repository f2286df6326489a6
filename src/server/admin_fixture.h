// For tests: an Admin on a relay that delivers to a receiver on loopback.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "relay/relay_fixture.h"
#include "server/admin.h"

namespace mailweir::server {

using namespace std::chrono_literals;

class AdminTest : public relay::testing::RelayTest {
 protected:
  AdminTest() {
    options.engine.retry.first = options.engine.retry.longest = 1h;
    facts.version = "1.2.3";
    facts.node = "out.test";
    facts.free_min = 1 << 20;
  }

  void start_all() {
    start();
    admin = std::make_unique<Admin>(
        facts,
        AdminPorts{*process->relay, process->recorder, spool, *process->log, process->metrics,
                   process->clock, process->reader, provider::Catalogue::embedded()});
  }
  void restart() {
    stop();
    start_all();
  }

  // Asks, and waits for the answer.
  template <class T, class Ask>
  Result<T> ask(Ask question) {
    std::promise<Result<T>> answer;
    question([&answer](Result<T> result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }
  console::ServerStatus status() {
    return ask<console::ServerStatus>([this](auto done) { admin->status(done); }).value();
  }
  console::ActionResult act(console::ActionRequest request) {
    request.actor = "uid 0";
    request.reason = "because";
    return ask<console::ActionResult>([&](auto done) { admin->act(request, done); }).value();
  }
  console::ActionResult act(console::Action action, MessageId id) {
    return act({.action = action, .ids = {id}});
  }
  Result<console::MessageDetail> message(MessageId id) {
    return ask<console::MessageDetail>([&](auto done) { admin->message(id, done); });
  }
  console::RecipientPage list(const engine::ListFilter& filter, MessageId after = {},
                              std::size_t count = 100) {
    return ask<console::RecipientPage>([&](auto done) { admin->list(filter, after, count, done); })
        .value();
  }
  // A message that its first attempt has put off for an hour; the second would succeed.
  MessageId accept_deferred(const std::string& recipient) {
    receiver.answer(recipient, {"451 4.7.1 not now", "250 ok"});
    const MessageId id = accept(recipient);
    EXPECT_TRUE(spool.wait_for_state(id, 0, [](const RecipientState& state) {
      return state.disposition == Disposition::deferred;
    }));
    return id;
  }

  // A message that is not to be sent today.
  MessageId accept_for_later(const std::string& recipient) {
    auto message = make_message("s@a.test", {recipient});
    message.not_before = process->clock.wall_now() + std::chrono::days(1);
    return accept(std::move(message));
  }

  AdminFacts facts;
  std::unique_ptr<Admin> admin;
};

}  // namespace mailweir::server
