#include "delivery/delivery_fixture.h"

#include <utility>

#include "base/assert.h"

namespace mailweir::delivery::testing {

template <class T>
void Recorder::keep(std::vector<T>& list, T value) {
  const std::lock_guard lock(mutex_);
  list.push_back(std::move(value));
  changed_.notify_all();
}

template <class T>
T Recorder::wait_for(std::vector<T>& list, std::size_t index) {
  std::unique_lock lock(mutex_);
  const bool came =
      changed_.wait_for(lock, std::chrono::seconds(10), [&] { return list.size() > index; });
  EXPECT_TRUE(came) << "an outcome is missing";
  return came ? list[index] : T{};
}

void Recorder::on_session_connected(engine::SessionConnected connected) {
  keep(connected_, std::move(connected));
}
void Recorder::on_session_opened(engine::SessionOpened opened) {
  keep(opened_, std::move(opened));
}
void Recorder::on_session_failed(engine::SessionFailed failed) {
  keep(failed_, std::move(failed));
}
void Recorder::on_transaction_done(engine::TransactionDone done) {
  keep(done_, std::move(done));
}
void Recorder::on_session_closed(engine::SessionClosed closed) {
  keep(closed_, std::move(closed));
}

engine::SessionConnected Recorder::wait_connected(std::size_t index) {
  return wait_for(connected_, index);
}
engine::SessionOpened Recorder::wait_opened(std::size_t index) {
  return wait_for(opened_, index);
}
engine::SessionFailed Recorder::wait_failed(std::size_t index) {
  auto failed = wait_for(failed_, index);
  if (failed.attempts.empty())
    failed.attempts.emplace_back();  // so that a failing test does not crash
  return failed;
}
engine::TransactionDone Recorder::wait_done(std::size_t index) {
  auto done = wait_for(done_, index);
  if (done.results.empty()) done.results.emplace_back();
  return done;
}
engine::SessionClosed Recorder::wait_closed(std::size_t index) {
  return wait_for(closed_, index);
}

std::size_t Recorder::done_count() {
  const std::lock_guard lock(mutex_);
  return done_.size();
}

std::size_t Recorder::total() {
  const std::lock_guard lock(mutex_);
  return opened_.size() + failed_.size() + done_.size() + closed_.size();
}

std::shared_ptr<const QueuedMessage> make_message(std::uint64_t id, std::string content,
                                                  std::size_t recipients) {
  auto message = std::make_shared<QueuedMessage>();
  message->message.id = MessageId{id};
  message->message.envelope.reverse_path.mailbox = Mailbox::from_parts("s", "a.test");
  for (std::size_t i = 0; i < recipients; ++i) {
    Recipient recipient;
    recipient.mailbox = Mailbox::from_parts("r" + std::to_string(i), "b.test");
    message->message.envelope.recipients.push_back(std::move(recipient));
  }
  message->content = std::make_shared<const std::string>(std::move(content));
  return message;
}

DeliveryOptions DeliveryTest::default_options() {
  DeliveryOptions options;
  options.sources.push_back({"one", "", "", "out.test"});
  options.allow_private_targets = true;
  return options;
}

DeliveryTest::DeliveryTest() {
  resolver.add_address("mx.test", "127.0.0.1");
  use(default_options());
}

DeliveryTest::~DeliveryTest() {
  stop(std::chrono::seconds(5));
  delivery.reset();
  thread.join();
  resolver_thread.join();
}

void DeliveryTest::use(DeliveryOptions options) {
  if (delivery) delivery->stop(std::chrono::seconds(5));
  delivery = std::make_unique<Delivery>(std::move(options), std::vector{&thread}, resolver, clock,
                                        recorder);
}

void DeliveryTest::stop(std::chrono::milliseconds grace) {
  if (!std::exchange(is_stopped, true)) delivery->stop(grace);
}

engine::OpenSession DeliveryTest::opening(std::uint64_t session, std::vector<std::string> hosts,
                                          std::uint16_t port, bool is_smarthost) {
  auto next_hop = std::make_shared<engine::NextHop>();
  std::uint16_t preference = 0;
  for (std::string& host : hosts) next_hop->hosts.push_back({preference++, std::move(host)});
  next_hop->port = port;
  next_hop->is_smarthost = is_smarthost;
  return {.session = SessionId{session}, .source = 0, .next_hop = std::move(next_hop)};
}

void DeliveryTest::open(std::uint64_t session, std::vector<std::string> hosts, std::uint16_t port,
                        bool is_smarthost) {
  delivery->open(opening(session, std::move(hosts), port, is_smarthost));
}

void DeliveryTest::start(std::uint64_t session, std::uint64_t transaction, std::string content,
                         std::size_t recipients) {
  engine::StartTransaction order{
      SessionId{session}, TransactionId{transaction}, MessageId{transaction}, {}};
  for (std::size_t i = 0; i < recipients; ++i) {
    order.recipients.push_back(static_cast<std::uint16_t>(i));
  }
  delivery->start(std::move(order), make_message(transaction, std::move(content), recipients));
}

void DeliveryTest::close(std::uint64_t session) {
  delivery->close({SessionId{session}});
}

}  // namespace mailweir::delivery::testing
