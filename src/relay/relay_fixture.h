// For tests: a relay as the server composes it, on a spool that can crash, delivering to a receiver
// on loopback. start() and crash() may alternate: each start is a new process on the same spool.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/random.h"
#include "operations/metric_set.h"
#include "operations/test_directory.h"
#include "relay/recorder.h"
#include "relay/relay.h"
#include "relay/test_receiver.h"
#include "relay/watched_spool.h"
#include "runtime/map_resolver.h"
#include "spool/commit_queue.h"

namespace mailweir::relay::testing {

// What the server composes around a relay; in the order of dependence.
struct Process {
  Process(spool::Spool& spool, const std::filesystem::path& events);
  ~Process();  // relay stopped, or none made

  runtime::SystemClock clock;
  SeededRandom random{1};
  runtime::IoThread engine{"engine"};
  runtime::IoThread reader{"reader"};
  runtime::IoThread io{"io"};
  runtime::MapResolver resolver{io};
  operations::Metrics metrics;
  std::unique_ptr<operations::EventLog> log;
  spool::CommitQueue commits;
  Recorder recorder;
  std::unique_ptr<Relay> relay;
};

class RelayTest : public ::testing::Test {
 protected:
  RelayTest();
  ~RelayTest() override;

  // A new process; begin() leaves the queue of the last one to restore().
  void begin();
  void restore();
  void start() {
    begin();
    restore();
  }
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(10));
  // The process dies here and now: nothing more reaches the spool.
  void crash();

  static intake::ReceivedMessage make_message(const std::string& sender,
                                              const std::vector<std::string>& recipients,
                                              std::string content = plain);
  std::future<intake::AcceptResult> submit(intake::ReceivedMessage message);
  // Waits for the id; zero, and a failed test, when it was refused.
  MessageId accept(intake::ReceivedMessage message);
  MessageId accept(const std::string& recipient, std::string content = plain) {
    return accept(make_message("s@a.test", {recipient}, std::move(content)));
  }
  // Waits for the refusal.
  Reply refusal(intake::ReceivedMessage message);

  // Runs `ask` on the relay's thread, and what it causes, before it returns.
  template <class Ask>
  auto ask_engine(Ask ask) {
    std::promise<decltype(ask(std::declval<engine::Engine&>(), Instant{}))> answer;
    process->relay->with_engine(
        [&](engine::Engine& engine, Instant now) { answer.set_value(ask(engine, now)); });
    return answer.get_future().get();
  }
  bool retry_now(MessageId id) {
    return ask_engine(
        [id](engine::Engine& engine, Instant now) { return engine.retry_now(id, now); });
  }
  // Returns when the commits, reads and outcomes under way have been taken in.
  void settle();

  // The events of a message, oldest first.
  std::vector<nlohmann::json> events(MessageId id);
  std::vector<nlohmann::json> events(MessageId id, const std::string& type);
  // The messages whose acceptance rode in the commit that removed `id`.
  std::vector<StoredMessage> accepted_with_removal_of(MessageId id) const;
  // The states recorded of a recipient, in order.
  std::vector<RecipientState> states_recorded(MessageId id, std::uint16_t recipient) const;

  static constexpr const char* plain = "Subject: x\r\n\r\nbody\r\n";

  operations::TestDirectory directory;
  WatchedSpool spool;
  TestReceiver receiver;
  RelayOptions options;  // of the processes begun from now on
  std::unique_ptr<Process> process;
  std::uint64_t restored = 0;  // messages the last restore() found
  std::uint64_t corrupt = 0;
};

}  // namespace mailweir::relay::testing
