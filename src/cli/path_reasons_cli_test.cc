// What keeps a path back besides its own state, and which path is the answer.
#include <gmock/gmock.h>

#include "cli/cli_fixture.h"

namespace mailweir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(CliTest, WhatTheDiagnosisFoundStandsWhereItsPathIsTold) {
  engine::FindingView finding{.cause = "ip-blocked",
                              .source = "mx1",
                              .provider = "ms365",
                              .host = {},
                              .since = port_.held.path.learned->since,
                              .found = port_.held.path.learned->since,
                              .english = "ms365 is silent to mx1 alone (connect: no reply)",
                              .japanese = "ms365はmx1にだけ応答しない"};
  port_.held.path.findings = {finding};
  port_.server.findings = {finding};
  const std::string line =
      "diagnosis: ip-blocked since 2026-09-21 13:51:20Z: ms365 is silent to mx1 alone (connect: no "
      "reply)\n";
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr(line));
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr(line));
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr(line));
  EXPECT_EQ(run({"path", "list"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("held (ip-blocked)"));
  EXPECT_EQ(run({"status", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("診断: ip-blocked(2026-09-21 13:51:20Z から): "
                              "ms365はmx1にだけ応答しない\n"));
}

TEST_F(CliTest, AnOpenPathWhoseServersCannotBeReachedIsNotCalledFree) {
  port_.open.path.unreached =
      engine::Unreached{.hops = 1,
                        .is_all = true,
                        .since = port_.moment.now - std::chrono::minutes(2),
                        .next_try = port_.moment.now + std::chrono::seconds(21)};
  const std::string answer =
      "Unreachable: the servers of ms365 cannot be reached since 2026-09-21 14:11:20Z (2m00s), so "
      "nothing goes there from mx2; next try in 21s.\n";
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, StartsWith(answer));
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("到達不能: ms365 のサーバーに接続できません("));
  EXPECT_THAT(out_, Not(HasSubstr("next hops that")));
  port_.waiting_one.view.reason = engine::WaitReason::retry;
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, StartsWith(answer));
  port_.open.path.unreached->is_all = false;
  port_.waiting_one.view.reason = engine::WaitReason::next_hop_down;
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Unreachable: its servers cannot be reached; next try in "));
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Open"));
  EXPECT_THAT(out_, HasSubstr("next hops that cannot be reached: 1, the first since "));
}

TEST_F(CliTest, WhatIsLearnedAndWhatBindsAreToldApart) {
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("  learned: pace 5.0/s"));
  EXPECT_THAT(out_, HasSubstr("  in force: 20.0/min, the configured cap\n"));
  engine::PathHand hand;
  hand.id = 9;
  hand.action = engine::PathHand::Action::cap;
  hand.rate = port_.open.path.caps.message_rate;
  hand.connections = 1;
  port_.open.path.hands = {hand};
  port_.open.path.is_warming = true;
  port_.open.path.learned->is_pace_learned = false;
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("  learned: no pace yet, so far up to 5.0/s"));
  EXPECT_THAT(out_, HasSubstr("  in force: 20.0/min, by hand 9\n"));
  EXPECT_THAT(out_, HasSubstr("20/min, 1 connection "));
  EXPECT_THAT(out_, HasSubstr("\n  warming: "));
  port_.open.path.caps.message_rate.reset();
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("適用中: 5.0/s(開始時の速度)"));
}

TEST_F(CliTest, OfPathsThatAreShutTheOneThatMovesFirstIsTheAnswer) {
  const auto pause = [&](console::ExplainedPath& path, std::chrono::seconds lasts) {
    path.path.is_paused = true;
    path.path.next = {pacing::Limit::paused, never};
    path.path.next_move = port_.moment.now + lasts;
    path.path.hands = port_.paused.path.hands;
    path.path.hands[0].until = path.path.next_move;
  };
  pause(port_.held, std::chrono::hours(2));
  pause(port_.open, std::chrono::seconds(40));
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Paused until 2026-09-21 14:14:00Z"));
  pause(port_.held, std::chrono::seconds(10));
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Paused until 2026-09-21 14:13:30Z"));
  port_.held.path.next_move = never;  // without an end
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Paused until 2026-09-21 14:14:00Z"));
  port_.waiting_one.view.reason = engine::WaitReason::path_paused;
  port_.waiting_one.view.until = port_.open.path.next_move;
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("paused by an operator, its pause ends in 40s"));
}

TEST_F(CliTest, PathsThatOnePauseStopsAreOneLineOfTheStatus) {
  console::ExplainedPath other = port_.paused;
  other.path.provider = "ms365";
  port_.server.stopped_paths = {port_.held, port_.paused, other};
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("\n2 paths are paused until 2026-09-21 16:13:20Z by uid 0: they "
                              "called. Nothing goes by mx2 → google, mx2 → ms365.\n"));
  EXPECT_THAT(out_, HasSubstr("\nmx1 → ms365: Held since"));
  EXPECT_THAT(out_, Not(HasSubstr("mx2 → google: ")));
  port_.server.stopped_paths = {port_.paused};
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("mx2 → google: Paused until"));
}

TEST_F(CliTest, APauseOfWhatNobodyKnowsYetSaysSo) {
  port_.covered = 0;
  port_.names_domain = true;
  const std::vector<std::string> pause = {"path",      "pause",    "mx1",
                                          "grey.test", "--reason", "they call"};
  EXPECT_EQ(run(pause), exit_ok);
  EXPECT_THAT(out_, HasSubstr("Where mail for grey.test goes is not known yet"));
  EXPECT_THAT(out_, Not(HasSubstr("No path in use")));
  port_.bound_to = "grey";
  EXPECT_EQ(run(pause), exit_ok);
  EXPECT_THAT(out_, HasSubstr("pause mx1 → grey.test (grey)"));
  EXPECT_THAT(out_, HasSubstr("No path in use"));
}

TEST_F(CliTest, AHeldPathOfWhichNoPaceIsLearnedShowsNone) {
  EXPECT_EQ(run({"path", "list", "--rows", "1"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("4.5/s"));
  port_.held.path.learned->is_pace_learned = false;
  EXPECT_EQ(run({"path", "list", "--rows", "1"}), exit_ok);
  EXPECT_THAT(out_, Not(HasSubstr("4.5/s")));
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("no pace yet, so far up to 4.5/s"));
}

TEST_F(CliTest, WhatSlowLeavesAsItIsIsListed) {
  port_.passed_over = {{"mx1", "ms365", true}, {"mx2", "yahoo", false}};
  EXPECT_EQ(run({"path", "slow", "*", "*", "--reason", "they call"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("Not slowed: mx1 → ms365, it is held"));
  EXPECT_THAT(out_, HasSubstr("Not slowed: mx2 → yahoo, no pace of it is known"));
}

TEST_F(CliTest, CellsThatAreNotOpenAreToldOfThePath) {
  port_.open.path.cells = {{.name = "sender_domain news.example",
                            .learned = *port_.held.path.learned,
                            .last = port_.held.path.last},
                           {.name = "tenant acme",
                            .learned = *port_.open.path.learned,
                            .last = {},
                            .ceiling_until = port_.moment.now + std::chrono::minutes(10)}};
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("  sender_domain news.example: held since 2026-09-21 13:51:20Z"));
  EXPECT_THAT(out_, HasSubstr("  tenant acme: slowed to 5.0/s until 2026-09-21 14:23:20Z"));
}

}  // namespace
}  // namespace mailweir::cli
