// For tests of what is kept of paths: one path, that a refusal holds, and the operator's hands on
// it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "relay/kept_paths.h"
#include "relay/relay_fixture.h"

namespace mailweir::relay::testing {

inline constexpr const char* busy = "451 4.7.500 Server busy. Please try again later";

class PathKeeping : public RelayTest {
 protected:
  PathKeeping() { options.engine.pacing.learns = true; }

  std::string provider() const { return "127.0.0.1:" + std::to_string(receiver.port()); }
  std::string path_key() const { return kept_path_key("one", provider()); }
  bool is_held() {
    return ask_engine(
        [this](engine::Engine& engine, Instant) { return engine.is_held("one", provider()); });
  }
  std::optional<std::string> kept(const std::string& key) { return spool.read_system(key).value(); }
  engine::PathExplanation explain() {
    return ask_engine([this](engine::Engine& engine, Instant now) {
      return engine.explain("one", provider(), now);
    });
  }
  engine::WaitReason reason_of(MessageId id) {
    return ask_engine([id](engine::Engine& engine, Instant now) {
      const auto views = engine.view(id, now);
      return views.empty() ? engine::WaitReason::none : views.front().reason;
    });
  }
  // Refused with `busy`, so that the path is held, and that is in the spool.
  void hold_path() {
    receiver.answer("r@b.test", {busy});
    accept("r@b.test");
    ASSERT_TRUE(spool.wait_until([this] { return kept(path_key()).has_value(); }));
    ASSERT_TRUE(is_held());
  }
  engine::PathHand pause(Duration lasts = Duration{}) {
    engine::PathHand hand;
    hand.source = "one";
    hand.reason = "they called";
    hand.by = "uid 0";
    if (lasts > Duration{}) hand.until = process->clock.now() + lasts;
    return hand;
  }
  Result<std::vector<engine::PathHand>> set(engine::PathHand hand) {
    std::promise<Result<std::vector<engine::PathHand>>> answer;
    process->relay->set_hands({std::move(hand)},
                              [&](auto result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }
  std::vector<engine::PathHand> remove(HandsWanted wanted) {
    std::promise<Result<std::vector<engine::PathHand>>> answer;
    process->relay->remove_hands(std::move(wanted), {"uid 0", "over"},
                                 [&](auto result) { answer.set_value(std::move(result)); });
    return answer.get_future().get().value();
  }
  std::vector<engine::PathHand> hands() {
    return ask_engine([](engine::Engine& engine, Instant) { return engine.hands(); });
  }
  // All events of a type, of every process so far.
  std::vector<nlohmann::json> events_of(const std::string& type) {
    EXPECT_TRUE(process->log->flush());
    std::vector<nlohmann::json> found;
    for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
      if (file.path().extension() != ".jsonl") continue;
      std::ifstream lines(file.path());
      for (std::string line; std::getline(lines, line);) {
        auto event = nlohmann::json::parse(line);
        if (event["type"] == type) found.push_back(std::move(event));
      }
    }
    return found;
  }
};

}  // namespace mailweir::relay::testing
