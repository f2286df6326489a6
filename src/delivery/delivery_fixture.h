// For tests: a Delivery on one IoThread with a table for DNS, and a recorder of what it reports.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "delivery/delivery.h"
#include "delivery/scripted_server.h"
#include "runtime/map_resolver.h"

namespace mailweir::delivery::testing {

// Keeps every outcome; wait_…() block until it is there, ten seconds at most.
class Recorder final : public OutcomeReceiver {
 public:
  void on_session_connected(engine::SessionConnected connected) override;
  void on_session_opened(engine::SessionOpened opened) override;
  void on_session_failed(engine::SessionFailed failed) override;
  void on_transaction_done(engine::TransactionDone done) override;
  void on_session_closed(engine::SessionClosed closed) override;

  engine::SessionConnected wait_connected(std::size_t index = 0);
  engine::SessionOpened wait_opened(std::size_t index = 0);
  engine::SessionFailed wait_failed(std::size_t index = 0);
  engine::TransactionDone wait_done(std::size_t index = 0);
  engine::SessionClosed wait_closed(std::size_t index = 0);
  std::size_t done_count();
  // Everything so far: opened + failed + done + closed.
  std::size_t total();

 private:
  template <class T>
  void keep(std::vector<T>& list, T value);
  template <class T>
  T wait_for(std::vector<T>& list, std::size_t index);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<engine::SessionConnected> connected_;
  std::vector<engine::SessionOpened> opened_;
  std::vector<engine::SessionFailed> failed_;
  std::vector<engine::TransactionDone> done_;
  std::vector<engine::SessionClosed> closed_;
};

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest();
  ~DeliveryTest() override;

  // Call before anything else, if the defaults do not do.
  void use(DeliveryOptions options);
  static DeliveryOptions default_options();
  // Ends the delivery early; the fixture does it otherwise.
  void stop(std::chrono::milliseconds grace);

  static engine::OpenSession opening(std::uint64_t session, std::vector<std::string> hosts,
                                     std::uint16_t port, bool is_smarthost = false);
  void open(std::uint64_t session, std::vector<std::string> hosts, std::uint16_t port,
            bool is_smarthost = false);
  void start(std::uint64_t session, std::uint64_t transaction,
             std::string content = "Subject: x\r\n\r\nbody\r\n", std::size_t recipients = 1);
  void close(std::uint64_t session);

  Recorder recorder;
  runtime::IoThread thread{"delivery-test"};
  runtime::IoThread resolver_thread{"resolver-test"};
  runtime::MapResolver resolver{resolver_thread};
  runtime::SystemClock clock;
  std::unique_ptr<Delivery> delivery;
  bool is_stopped = false;
};

// A message from s@a.test to r0@b.test, r1@b.test…
std::shared_ptr<const QueuedMessage> make_message(std::uint64_t id, std::string content,
                                                  std::size_t recipients);

}  // namespace mailweir::delivery::testing
