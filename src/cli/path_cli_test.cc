// The commands about paths, in both languages.
#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "cli/cli_fixture.h"

namespace mailweir::cli {
namespace {

using console::HandOrder;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(CliTest, APathsFirstLineIsTheAnswer) {
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_EQ(
      out_,
      "Held since 2026-09-21 13:51:20Z (22m00s): ms365 refused mx1 with 450 4.7.1 Too fast; next "
      "canary in 2m28s (forecast); 3 siblings carry on.\n"
      "  450 4.7.1 Too fast\n"
      "  this began the hold: at rcpt, 2026-09-21 13:51:20Z; read by rule ms365/too-fast\n"
      "  before it: 62% of its mail was of tenant acme's campaign june, 3.5 times as much as "
      "usual, "
      "20% of that to mailboxes that do not exist\n"
      "  451 4.7.500 Server busy. Please try again later from [192.0.2.1]. S77719\n"
      "  the last refusal: at mail, said by mx.example.com, 2026-09-21 14:11:50Z; read by rule "
      "ms365/server-busy\n"
      "  learned: pace 4.5/s, carried 5.0/s, refused at 6.0/s, 5.5/s carried at this hour on an "
      "earlier day, at most 10 at once, holds so far: 1, "
      "canaries refused in this one: 3\n"
      "  attempts: 180 in an hour, 200 at most\n"
      "  mx2.example.com: tried last since 2026-09-21 13:51:20Z, its next canary 2026-09-21 "
      "14:15:48Z\n"
      "  the last refusal: no answer from mx.example.com at mail, 2026-09-21 14:11:50Z: "
      "connect_timeout\n"
      "  caps: 20 connections, 100 messages a connection\n"
      "  now: connections 0, in flight 0, waiting for ms365: 240; drained in about 1m20s "
      "(forecast)\n");
}

TEST_F(CliTest, ACampaignThatIsNewMayBeAsMuchAsItsTenantAlwaysSends) {
  port_.held.hold_began->suspect = {.tenant = "acme",
                                    .campaign = "june",
                                    .share = 0.62,
                                    .growth = std::numeric_limits<double>::infinity(),
                                    .tenant_growth = 1.1};
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("before it: 62% of its mail was of tenant acme's campaign june, not "
                              "sent there before, the tenant's mail in all as much as usual\n"));
}

TEST_F(CliTest, APathsFirstLineIsTheAnswerInJapanese) {
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("保留中 2026-09-21 13:51:20Z(22m00s経過): ms365 が mx1 を 450 "
                               "4.7.1 Too fast で拒否。"));
  EXPECT_THAT(out_, HasSubstr("で拒否。次の試験送信は 2m28s後(予測)。他の 3 経路は送信を継続。"));
  EXPECT_THAT(out_,
              HasSubstr("保留の発端: rcpt の応答、2026-09-21 13:51:20Z; 規則 ms365/too-fast"));
  EXPECT_THAT(out_, HasSubstr("直前の送信: 62% がテナント acme のキャンペーン june, 通常の 3.5 倍, "
                              "うち 20% が存在しない宛先\n"));
  EXPECT_THAT(out_, HasSubstr("最後の拒否: mail の応答、相手ホスト mx.example.com、"));
}

TEST_F(CliTest, ACanaryThatIsDueGoesWithTheNextMessage) {
  pacing::LearnedState& learned = *port_.held.path.learned;
  learned.next_canary = port_.moment.now;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("; next canary now; "));
  port_.held.path.waiting = 0;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("; next canary with the next message; "));
  EXPECT_EQ(run({"path", "list"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("  with the next message  "));
  EXPECT_EQ(run({"path", "list", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("  次のメールで  "));
  port_.held.path.is_paused = true;
  EXPECT_EQ(run({"path", "list"}), exit_ok);
  EXPECT_THAT(out_, Not(HasSubstr("next message")));
}

TEST_F(CliTest, ASiblingThatIsKeptBackDoesNotCarryOn) {
  port_.held.siblings_open = 1;
  port_.held.siblings_kept_back = 1;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("; no other path carries on; open, but kept back: 1.\n"));
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("。送信を継続する経路は他になし。送信可だが制限中の経路 1。\n"));
}

struct Bound {
  pacing::Binding binding;
  const char* english;
  const char* japanese;
};

TEST_F(CliTest, WhatBindsAnOpenOrRecoveringPathIsSaidAndUntilWhen) {
  using pacing::Binding;
  constexpr Bound all[] = {
      {Binding::pace, "the learned pace", "学習した速度"},
      {Binding::minute_count, "the count of a minute: 3 of 4 at most", "1 分の通数(3/上限 4)"},
      {Binding::ten_minute_count, "the count of ten minutes: 14 of 15 at most",
       "10 分の通数(14/上限 15)"},
      {Binding::hour_count, "the count of an hour: 50 of 60 at most", "1 時間の通数(50/上限 60)"},
      {Binding::day_count, "the count of a day: 70 of 80 at most", "1 日の通数(70/上限 80)"},
      {Binding::concurrency, "how many may be in flight at once", "同時送信数"},
      {Binding::hold, "a hold", "保留"},
      {Binding::ramp, "the ramp after a hold", "保留後の回復確認"},
      {Binding::share, "the part of a scarce count that its class may use", "クラスごとの配分"}};
  engine::PathExplanation& path = port_.open.path;
  path.in_flight = 0;
  path.next = {pacing::Limit::learned, port_.moment.now + std::chrono::minutes(8),
               pacing::Rank::bulk, Binding::none};
  path.next_move = path.next.at;
  path.caps.message_rate.reset();
  path.learned->counts = {3, 14, 50, 70};
  path.learned->most = {4, 15, 60, 80};
  for (const pacing::Mode mode : {pacing::Mode::open, pacing::Mode::ramp}) {
    path.learned->mode = mode;
    for (const Bound& bound : all) {
      path.next.binding = bound.binding;
      EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
      const std::string line = out_.substr(0, out_.find('\n'));
      EXPECT_THAT(line, HasSubstr(std::string("kept back by ") + bound.english)) << line;
      EXPECT_THAT(line, HasSubstr("next message in 8m00s (forecast)")) << line;
      EXPECT_EQ(run({"explain", "--path", "mx2", "ms365", "--lang", "ja"}), exit_ok);
      const std::string japanese = out_.substr(0, out_.find('\n'));
      EXPECT_THAT(japanese, HasSubstr(std::string("制限: ") + bound.japanese)) << japanese;
      EXPECT_THAT(japanese, HasSubstr("次の送信は 8m00s後(予測)")) << japanese;
    }
  }
  path.next.binding = Binding::ramp;
  path.in_flight = 2;
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("next message when what is in flight is answered"));
}

TEST_F(CliTest, ANetworkThatIsCountedTogetherAndConnectionsThatAreShortAreSaid) {
  engine::PathExplanation& path = port_.open.path;
  path.network = "192.0.2.0/24";
  path.caps.connections_max = 20;
  path.learned->connections = 4;
  path.next = {pacing::Limit::connections, never};
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("kept back by the connections the provider has taken so far"));
  EXPECT_THAT(out_, HasSubstr("over 4 connections"));
  EXPECT_THAT(out_, HasSubstr("the provider counts 192.0.2.0/24 together"));
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("相手は 192.0.2.0/24 を合算しています"));
  path.learned->connections = 40;
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("kept back by the cap on connections"));
}

TEST_F(CliTest, EveryStateHasItsSentence) {
  EXPECT_EQ(run({"explain", "--path", "mx2", "google"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Paused until 2026-09-21 16:13:20Z by uid 0: they called. Nothing "
                               "goes from mx2 to google."));
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_,
              StartsWith("Open, but kept back by the cap on messages: mx2 to ms365; its pace "
                         "is 5.0/s; next message in 3s (forecast); no other path carries on."));
  pacing::LearnedState& learned = *port_.held.path.learned;
  learned.mode = pacing::Mode::ramp;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Recovering since 2026-09-21 13:51:20Z (22m00s): mx1 sends 4.5/s to "
                               "ms365"));
  learned.mode = pacing::Mode::held;
  port_.held.hold_began.reset();
  port_.held.path.last.at = Instant{};
  port_.held.siblings_open = 0;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("ms365 refused mx1 before the server was started; next canary in "
                              "2m28s (forecast); no other path carries on."));
  port_.held.path.is_used = false;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Not in use: mx1 has no path to ms365"));
}

TEST_F(CliTest, OfSeveralPausesTheOneThatEndsLastIsNamed) {
  std::vector<engine::PathHand>& hands = port_.paused.path.hands;
  hands.push_back(hands[0]);
  hands[1].until = port_.moment.now + std::chrono::minutes(5);
  hands[1].reason = "shorter";
  EXPECT_EQ(run({"explain", "--path", "mx2", "google"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Paused until 2026-09-21 16:13:20Z by uid 0: they called (and 1 "
                               "more pause in force). Nothing goes from mx2 to google."));
  hands[1].until = never;
  EXPECT_EQ(run({"explain", "--path", "mx2", "google"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("Paused until it is taken back by uid 0: shorter (and 1 more"));
  EXPECT_EQ(run({"explain", "--path", "mx2", "google", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_,
              StartsWith("取り消すまで停止中(指示: uid 0、理由: "
                         "shorter、ほかに停止指示 1 件)。mx2 から google へは送信しません。"));
}

TEST_F(CliTest, SilenceIsSaidAsSuch) {
  port_.held.hold_began->reply = {};
  port_.held.hold_began->failure = engine::Failure::connect_timeout;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("ms365 gave mx1 no answer (connect_timeout)"));
}

TEST_F(CliTest, ARecipientIsExplainedByItsPaths) {
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_EQ(port_.asked_target, "ken@example.com");
  EXPECT_THAT(out_, StartsWith("Open, but kept back by the cap on messages: mx2 to ms365"));
  EXPECT_THAT(
      out_, HasSubstr("ken@example.com (0000000000001) queued: no path is free; the first to move "
                      "is held after a refusal, next canary in 2m28s (forecast), ms365\n"));
  EXPECT_THAT(out_, HasSubstr("\nms365 by pool main:\n  Held since"));
  EXPECT_EQ(run({"explain", "ken@example.com", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("拒否後に保留中の経路、次の試験送信 2m28s後(予測)"));
  port_.path_failure = Error{Errc::not_found, "nothing that waits is for x.test"};
  EXPECT_EQ(run({"explain", "x.test"}), exit_not_found);
  EXPECT_THAT(err_, HasSubstr("nothing that waits is for x.test"));
}

TEST_F(CliTest, ADomainIsAnsweredByItsPathsFirst) {
  port_.more = 1234;
  EXPECT_EQ(run({"explain", "example.com"}), exit_ok);
  const auto answer = out_.find("Open, but kept back");
  const auto paths = out_.find("ms365 by pool main:");
  const auto recipients = out_.find("ken@example.com (0000000000001) queued");
  EXPECT_EQ(answer, 0U);
  EXPECT_LT(paths, recipients);
  EXPECT_NE(recipients, std::string::npos);
  EXPECT_THAT(out_, HasSubstr("\n… and 1,234 more that wait.\n"));
  EXPECT_EQ(run({"explain", "example.com", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("\n… ほか 1,234 件が待機中。\n"));
}

TEST_F(CliTest, AMessageThatHasLeftIsToldWithItsEnd) {
  port_.path_failure = Error{Errc::not_found, "nothing that waits is for it"};
  port_.events = {
      R"({"time":"2026-09-21T14:00:00.000Z","type":"attempt","outcome":"deferred","recipients":["a@b.test"]})",
      R"({"time":"2026-09-21T14:10:00.000Z","type":"attempt","outcome":"delivered","recipients":["a@b.test"]})",
      R"({"time":"2026-09-21T14:11:00.000Z","type":"disposition","disposition":"expired","recipient":"c@b.test"})"};
  EXPECT_EQ(run({"explain", "0000000000001"}), exit_not_found);
  EXPECT_EQ(err_,
            "mailweir: 0000000000001 has ended: a@b.test delivered 2026-09-21 14:10:00Z; c@b.test "
            "expired 2026-09-21 14:11:00Z. All that happened: mailweir trace 0000000000001\n");
  EXPECT_EQ(run({"explain", "0000000000001", "--lang", "ja"}), exit_not_found);
  EXPECT_THAT(err_, HasSubstr("0000000000001 は終了しました: a@b.test 配信 "));
  port_.events.clear();
  EXPECT_EQ(run({"explain", "0000000000001"}), exit_not_found);
  EXPECT_THAT(err_, HasSubstr("nothing that waits is for it"));
}

TEST_F(CliTest, ExplainNeedsOneSubject) {
  EXPECT_EQ(run({"explain"}), exit_usage);
  EXPECT_EQ(run({"explain", "a.test", "--path", "mx1", "ms365"}), exit_usage);
  EXPECT_EQ(run({"explain", "--path", "mx1"}), exit_usage);
  EXPECT_EQ(run({"explain", "--path", "mx9", "ms365"}), exit_not_found);
}

TEST_F(CliTest, PathListIsATable) {
  EXPECT_EQ(run({"path", "list", "--provider", "ms365", "--rows", "5"}), exit_ok);
  EXPECT_EQ(port_.asked_paths.provider, "ms365");
  EXPECT_EQ(port_.asked_paths.count, 5U);
  EXPECT_THAT(out_,
              StartsWith("Paths in use: 3; held: 1.\n\n"
                         "SOURCE  PROVIDER  STATE    SINCE   PACE  NEXT CANARY  WAITING  LAST "
                         "REFUSAL\n"
                         "mx1     ms365     held    22m00s  4.5/s     in 2m28s      240  451 "
                         "4.7.500 Server busy."));
  EXPECT_EQ(run({"path", "list", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("使用中の経路 3、保留 1。\n\n送信元"));
  EXPECT_EQ(run({"path", "list", "--json"}), exit_ok);
  EXPECT_EQ(nlohmann::json::parse(out_)["paths_held"], 1);
}

TEST_F(CliTest, AHandIsLaidWithItsReason) {
  EXPECT_EQ(run({"path", "cap", "mx1", "*", "--rate", "20/min", "--connections", "5", "--for", "2h",
                 "--reason", "they called"}),
            exit_ok);
  EXPECT_EQ(port_.asked_hand.kind, HandOrder::Kind::cap);
  EXPECT_EQ(port_.asked_hand.rate, (Rate{20, std::chrono::minutes(1)}));
  EXPECT_EQ(
      out_,
      "In force: hand 8, cap mx1 → * 20/min, 5 connections until 2026-09-21 16:13:20Z: they called "
      "(" +
          port_.asked_hand.actor + "). Take back with: mailweir path undo 8\n");
  EXPECT_EQ(run({"pause", "mx1", "ms365", "--reason", "they called", "--lang", "ja"}), exit_ok);
  EXPECT_EQ(port_.asked_hand.kind, HandOrder::Kind::pause);
  EXPECT_THAT(out_, StartsWith("有効: 指示 8、停止 mx1 → ms365 取り消すまで: they called"));
  EXPECT_EQ(run({"slow", "mx1", "ms365", "--reason", "x"}), exit_ok);
  EXPECT_EQ(port_.asked_hand.kind, HandOrder::Kind::slow);
}

TEST_F(CliTest, AHandThatMeetsNoPathSaysSo) {
  port_.covered = 0;
  EXPECT_EQ(run({"path", "pause", "mx1", "ms365", "--reason", "x"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("\nNo path in use is covered by it yet;"));
}

TEST_F(CliTest, AHandWithoutReasonOrLimitIsRefused) {
  EXPECT_EQ(run({"path", "pause", "mx1", "ms365"}), exit_usage);
  EXPECT_THAT(err_, StartsWith("mailweir: --reason is required"));
  EXPECT_EQ(run({"path", "cap", "mx1", "ms365", "--reason", "x"}), exit_usage);
  EXPECT_EQ(run({"path", "pause", "mx1", "ms365", "--rate", "5/s", "--reason", "x"}), exit_usage);
  EXPECT_EQ(run({"path", "cap", "mx1", "ms365", "--rate", "5", "--reason", "x"}), exit_usage);
  EXPECT_THAT(err_, HasSubstr("5"));
  port_.path_failure = Error{Errc::refused, "no pace is known of mx1 → ms365 to slow down from"};
  EXPECT_EQ(run({"path", "slow", "mx1", "ms365", "--reason", "x"}), exit_refused);
  port_.path_failure = Error{Errc::not_found, "there is no source \"mx9\""};
  EXPECT_EQ(run({"path", "pause", "mx9", "ms365", "--reason", "x"}), exit_not_found);
}

TEST_F(CliTest, HandsAreListedAndTakenBack) {
  EXPECT_EQ(run({"path", "hands"}), exit_ok);
  EXPECT_EQ(out_,
            "ID  SOURCE  PROVIDER  ORDER  UNTIL                 BY     REASON\n"
            " 7  *       google    pause  2026-09-21 16:13:20Z  uid 0  they called\n");
  EXPECT_EQ(run({"path", "undo", "7", "--reason", "over"}), exit_ok);
  EXPECT_EQ(port_.asked_undo, 7U);
  EXPECT_EQ(port_.asked_order.reason, "over");
  EXPECT_THAT(out_, StartsWith("Taken back: hand 7, pause * → google until"));
  EXPECT_EQ(run({"path", "undo", "9"}), exit_not_found);
  EXPECT_EQ(run({"path", "undo", "abc"}), exit_usage);
  EXPECT_EQ(err_,
            "mailweir: \"abc\" is no hand: hands have numbers; `mailweir path hands` lists them\n");
  EXPECT_EQ(run({"path", "resume", "*", "google", "--reason", "over"}), exit_ok);
  EXPECT_EQ(port_.asked_order.source, "");
  port_.known_hands.clear();
  EXPECT_EQ(run({"path", "hands", "--lang", "ja"}), exit_ok);
  EXPECT_EQ(out_, "有効な停止・上限はありません。\n");
}

TEST_F(CliTest, WhatIsForgottenIsToldWithHowToGetItBack) {
  EXPECT_EQ(run({"path", "forget", "mx1", "ms365", "--reason", "new address"}), exit_ok);
  EXPECT_EQ(port_.asked_order.reason, "new address");
  EXPECT_EQ(out_,
            "Forgotten: what was learned of mx1 → ms365.\n"
            "For 7 days, until 2026-09-28 13:13:20Z, `mailweir path undo 17` gives it back.\n");
  port_.forgotten_cells = {{"sender_domain news.example", "ms365"}};
  port_.hosts = 2;
  EXPECT_EQ(run({"path", "forget", "*", "ms365", "--reason", "new address"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("\nForgotten: what was learned of sender_domain news.example at "
                              "ms365.\nForgotten with it: 2 single hosts (MX).\n"));
  EXPECT_EQ(run({"path", "forget", "*", "ms365", "--reason", "x", "--lang", "ja"}), exit_ok);
  EXPECT_EQ(out_,
            "学習内容を消去しました: mx1 → ms365。\n"
            "学習内容を消去しました: ms365 での sender_domain news.example。\n"
            "あわせて消去しました: 個別のホスト(MX) 2 台分。\n"
            "7 日間(2026-09-28 13:13:20Z まで)は `mailweir path undo 17` で元に戻せます。\n");
  port_.path_failure = Error{Errc::not_found, "nothing is known of mx1 → ms365"};
  EXPECT_EQ(run({"path", "forget", "mx1", "ms365", "--reason", "x"}), exit_not_found);
}

TEST_F(CliTest, ASlowingThatIsOverIsNotSaidToComeBack) {
  port_.slowed = {{"tenant acme", "ms365"}};
  EXPECT_EQ(run({"path", "forget", "*", "ms365", "--reason", "new address"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("\nNo longer slowed on suspicion: tenant acme at ms365. This is not "
                              "given back.\nFor 7 days"));
  EXPECT_EQ(run({"path", "forget", "*", "ms365", "--reason", "x", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("嫌疑による減速を解除しました: ms365 での tenant acme。"));
}

TEST_F(CliTest, ExplainShowsTheLastOfManyOrdersToForget) {
  for (std::uint64_t id : {3U, 1'000U, 40U}) {
    port_.open.path.hands.push_back(port_.forgetting());
    port_.open.path.hands.back().id = id;
  }
  port_.open.path.hands.push_back(port_.paused.path.hands.front());
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("hand 1000, forgot mx1 → ms365"));
  EXPECT_THAT(out_, HasSubstr("and 2 more such orders: `mailweir path hands`\n"));
  EXPECT_THAT(out_, Not(HasSubstr("hand 3,")));
  EXPECT_THAT(out_, Not(HasSubstr("hand 40,")));
  EXPECT_THAT(out_, HasSubstr("hand 7, pause"));
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("ほかに同様の指示 2 件: `mailweir path hands`"));
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365", "--json"}), exit_ok);
  const auto listed = nlohmann::json::parse(out_);
  EXPECT_EQ(listed["paths"][0]["hands"].size(), 4U);
}

TEST_F(CliTest, WhatWasForgottenStandsAmongTheHandsAndIsNoPause) {
  port_.known_hands = {port_.forgetting()};
  EXPECT_EQ(run({"path", "hands"}), exit_ok);
  EXPECT_EQ(out_,
            "ID  SOURCE  PROVIDER  ORDER   UNTIL                 BY     REASON\n"
            "17  mx1     ms365     forgot  2026-09-28 13:13:20Z  uid 0  new address\n");
  EXPECT_EQ(run({"path", "hands", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr(" 学習消去 "));
  EXPECT_EQ(run({"path", "undo", "7"}), exit_ok);
  EXPECT_EQ(out_,
            "Given back: what was learned of mx1 → ms365 until it was forgotten at 2026-09-21 "
            "13:13:20Z (hand 17: new address).\n");
  EXPECT_EQ(run({"path", "undo", "7", "--lang", "ja"}), exit_ok);
  EXPECT_EQ(out_,
            "元に戻しました: 2026-09-21 13:13:20Z に忘れた mx1 → ms365 の学習内容(指示 17: new "
            "address)。\n");
  port_.open.path.hands = {port_.forgetting()};
  port_.server.stopped_paths = {port_.open};
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("hand 17, forgot mx1 → ms365 at 2026-09-21 13:13:20Z, can be given "
                              "back until 2026-09-28 13:13:20Z: new address (uid 0); `mailweir "
                              "path undo 17` gives it back\n"));
  EXPECT_THAT(out_, Not(HasSubstr("aused")));
  EXPECT_EQ(run({"explain", "--path", "mx2", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("2026-09-21 13:13:20Z に mx1 → ms365 の学習内容を忘れた"));
  EXPECT_THAT(out_, HasSubstr("`mailweir path undo 17` で元に戻せます"));
}

TEST_F(CliTest, RefusalsThatNoRuleReadsAskForARule) {
  EXPECT_EQ(run({"unknown"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("12 unknown refusals, add a rule (docs/providers.md):\n\n"
                               "     12  ms365"));
  EXPECT_THAT(out_, HasSubstr("         451 no 7 today\n"));
  EXPECT_EQ(run({"unknown", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, StartsWith("解釈できない拒否 12 件。"));
}

TEST_F(CliTest, StatusNamesWhatStandsStill) {
  port_.server.stopped_paths = {port_.held, port_.paused};
  port_.server.paths_held = 4;
  port_.server.paths_paused = 3;
  port_.server.paths_stopped = 5;
  port_.server.unknown_refusals = 12;
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_THAT(out_,
              HasSubstr("mx1 → ms365: Held since 2026-09-21 13:51:20Z (22m00s): ms365 refused "
                        "mx1 with 450"));
  EXPECT_THAT(out_, HasSubstr("mx2 → google: Paused until"));
  EXPECT_THAT(out_, HasSubstr("… and 3 more paths: mailweir path list\n"));
  EXPECT_THAT(out_, HasSubstr("12 refusals that no rule reads: mailweir unknown\n"));
  EXPECT_EQ(run({"status", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("mx1 → ms365: 保留中 2026-09-21 13:51:20Z"));
}

TEST_F(CliTest, HeldPathsAndMessagesOnHoldHaveWordsOfTheirOwn) {
  port_.server.totals.held = 0;
  port_.server.stopped_paths = {port_.held};
  port_.server.paths_held = 1;
  port_.server.paths_stopped = 1;
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("; no message on hold.\n"));
  EXPECT_THAT(out_, HasSubstr("mx1 → ms365: Held since"));
  EXPECT_THAT(out_, HasSubstr("\nREADY counts what is due, also where a held or paused path"));
  EXPECT_EQ(run({"status", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("、留め置きのメールなし。\n"));
  EXPECT_THAT(out_, Not(HasSubstr("保留なし")));
}

TEST_F(CliTest, APathThatIsHeldAndPausedIsCountedOnce) {
  port_.server.stopped_paths = {port_.held, port_.paused};
  port_.server.paths_held = 2;
  port_.server.paths_paused = 2;
  port_.server.paths_stopped = 2;
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_THAT(out_, Not(HasSubstr("more path")));
  port_.server.paths_stopped = 3;
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("… and 1 more path: mailweir path list\n"));
}

TEST_F(CliTest, TheShortFormsAreNotInTheHelp) {
  EXPECT_EQ(run({"--help"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("explain"));
  EXPECT_THAT(out_, Not(HasSubstr("forget")));
}

TEST_F(CliTest, AHostThatIsLeftOutIsShownWithWhatItSaid) {
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("mx2.example.com: tried last since "));
  EXPECT_THAT(out_, HasSubstr("connect_timeout"));
  port_.held.path.hosts[0].learned.mode = pacing::Mode::ramp;
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("mx2.example.com: free again, being verified since "));
  EXPECT_EQ(run({"explain", "--path", "mx1", "ms365", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("mx2.example.com: "));
}

TEST_F(CliTest, MailThatACellKeepsWaitingSaysWhichAndWhy) {
  engine::CellView cell{.name = "sender_domain news.example",
                        .learned = *port_.held.path.learned,
                        .last = port_.held.path.last};
  port_.waiting_one.view.reason = engine::WaitReason::cell;
  port_.waiting_one.view.cell = cell;
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("what it shares with other mail (sender_domain news.example) is "
                              "slowed there; its place comes in 2m28s (forecast)"));
  EXPECT_THAT(out_, HasSubstr("sender_domain news.example: held since "));
  EXPECT_THAT(out_, HasSubstr("4.7.500 Server busy"));
  port_.waiting_one.view.cell->learned.mode = pacing::Mode::open;
  EXPECT_EQ(run({"explain", "ken@example.com"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("sender_domain news.example: 4.5/s since "));
  EXPECT_EQ(run({"explain", "ken@example.com", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("sender_domain news.example"));
}

}  // namespace
}  // namespace mailweir::cli
