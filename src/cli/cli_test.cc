// The commands from command line to output, against the real HTTP server over a Unix socket, with a
// fake AdminPort behind it.
#include "cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/cli_fixture.h"

namespace mailweir::cli {
namespace {

using console::Action;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(CliTest, StatusIsOneSentenceThenATable) {
  EXPECT_EQ(run({"status"}), exit_ok);
  EXPECT_EQ(
      out_,
      "3 recipients queued, oldest 3m12s; delivering to 1 provider; messages on hold: 1.\n"
      "Sandbox mode: everything is delivered into the built-in sink; nothing leaves this machine.\n"
      "\n"
      "PROVIDER   QUEUED  READY  IN FLIGHT  DEFERRED  ON HOLD  OLDEST\n"
      "google          2      0          1         0        1      2s\n"
      "microsoft       1      0          0         1        0   3m12s\n"
      "\n"
      "In the 1h02m since the start: 50 messages accepted; of their recipients 47 delivered, 1 "
      "bounced, 0 expired, 0 deleted; 2 deferrals.\n"
      "Mailweir 0.1.0 on mx.sender.example, with built-in defaults; data in ./var: 1.0 MiB used, "
      "1.0 TiB free.\n"
      "Listening: smtp 127.0.0.1:2525\n");
}

TEST_F(CliTest, StatusSpeaksJapanese) {
  variables_["LANG"] = "ja_JP.UTF-8";
  EXPECT_EQ(run({"status", "--rows", "1"}), exit_ok);
  EXPECT_EQ(
      out_,
      "送信待ち 3 件(最も古いもの 3m12s)、1 プロバイダーへ配信中、留め置き 1 件。\n"
      "サンドボックス動作中: すべて内蔵の受信サーバーへ配信され、外部には送信されません。\n"
      "\n"
      "プロバイダー  合計  送信待機  配信中  延期  留め置き  最古\n"
      "google           2         0       1     0         1    2s\n"
      "… ほか 1 行: mailweir queue\n"
      "\n"
      "起動後 1h02m: 受理 50 通、宛先ごとに配信 47、不達 1、期限切れ 0、削除 0、延期 2 回。\n"
      "Mailweir 0.1.0(mx.sender.example)、既定の設定、データ ./var: 使用 1.0 MiB、空き 1.0 TiB。\n"
      "待ち受け: smtp 127.0.0.1:2525\n");
  EXPECT_EQ(run({"--lang", "en", "status"}), exit_ok);
  EXPECT_THAT(out_, testing::StartsWith("3 recipients queued"));
}

TEST_F(CliTest, StatusPutsTroubleFirst) {
  port_.is_ready = false;
  port_.server.troubles = {"the disk is nearly full: new mail is refused"};
  port_.server.totals = {};
  port_.server.providers.clear();
  run({"status"});
  EXPECT_THAT(out_,
              testing::StartsWith("Nothing is queued.\nNot accepting mail: restoring the queue.\n! "
                                  "the disk is nearly full: new mail is refused\n"));
}

TEST_F(CliTest, ColoursOnlyTerminalsAndHonoursNoColor) {
  run({"status"});
  EXPECT_EQ(out_.find('\x1b'), std::string::npos);
  out_is_terminal_ = true;
  run({"status"});
  EXPECT_NE(out_.find('\x1b'), std::string::npos);
  variables_["NO_COLOR"] = "1";
  run({"status"});
  EXPECT_EQ(out_.find('\x1b'), std::string::npos);
  run({"status", "--color", "always"});
  EXPECT_NE(out_.find('\x1b'), std::string::npos);
}

TEST_F(CliTest, QueueGroupsByWhatIsAsked) {
  EXPECT_EQ(run({"queue", "--by", "domain", "--rows", "1"}), exit_ok);
  EXPECT_EQ(port_.asked_key, engine::QueueKey::domain);
  EXPECT_EQ(out_,
            "DOMAIN  QUEUED  READY  IN FLIGHT  DEFERRED  ON HOLD  OLDEST\n"
            "google       2      0          1         0        1      2s\n"
            "… and 1 more: mailweir queue --by domain --rows N\n");
}

TEST_F(CliTest, QueueListReadsLikeMailq) {
  port_.waiting[0].reply_text = "4.7.500 Server busy.\n4.7.500 \x1b[31mlater";
  EXPECT_EQ(run({"queue", "-p", "--count", "2", "--domain", "example.com"}), exit_ok);
  EXPECT_EQ(port_.asked_filter.domain, "example.com");
  EXPECT_EQ(out_,
            "0000000000001     4.0 KiB  2026-09-21 14:10:08Z  app@sender.example\n"
            "    ken@example.com  deferred: next try in 45s, attempts: 2, microsoft\n"
            "        451 4.7.500 Server busy.\n"
            "        451 4.7.500 \\x1B[31mlater\n"
            "0000000000002*    4.0 KiB  2026-09-21 14:13:18Z  app@sender.example\n"
            "    aya@gmail.example  queued: on its way, google\n"
            "\n"
            "There may be more: add --after 0000000000002\n");
  EXPECT_EQ(run({"queue", "-p", "--after", "0000000000002"}), exit_ok);
  EXPECT_EQ(out_,
            "0000000000003!    4.0 KiB  2026-09-21 14:13:18Z  app@sender.example\n"
            "    bo@gmail.example  on hold: until released, google\n");
}

TEST_F(CliTest, TraceIsATimelineWithReplyAndTranscript) {
  EXPECT_EQ(run({"trace", "0000000000001"}), exit_ok);
  EXPECT_EQ(
      out_,
      "2026-09-21 14:10:08.000Z  received from 192.0.2.7 (app): app@sender.example → "
      "ken@example.com, 4.0 KiB, class default\n"
      "2026-09-21 14:10:09.500Z  attempt 1, deferred: ken@example.com\n"
      "                          mx1 (198.51.100.1) → mx.example.com [203.0.113.9:25], in clear\n"
      "                          451 4.7.500 Server busy.\n"
      "                          451 Please try again later\n"
      "                          took connect 12 ms, end_of_data 85.5 ms; next try 2026-09-21 "
      "14:11:09Z\n"
      "                          | S: 220 mx.example.com\n"
      "                          | C: EHLO mx.sender.example\n"
      "2026-09-21 14:10:10.000Z  message.retried by uid 1000\n"
      "                          customer called\n");
}

TEST_F(CliTest, TraceShowsOnlyTheStepsThatWereReached) {
  port_.events = {
      R"({"time":"2026-09-21T14:10:08.000Z","type":"attempt","outcome":"deferred","attempt":1,"recipients":["a@b.test"],"phase":"mail","reply":{"code":451,"text":"4.7.0 no"},"timings_ms":{"mail":3,"rcpt":0,"data":0},"next_due":"2026-09-21T14:09:00.000Z"})"};
  EXPECT_EQ(run({"trace", "0000000000001"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("took mail 3 ms; goes again when its path is free\n"));
  EXPECT_EQ(run({"trace", "0000000000001", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("mail 3 ms; 経路が空き次第、再送\n"));
}

TEST_F(CliTest, AnEmptyListOfIdsDoesNothing) {
  input_ = " \n\n";
  EXPECT_EQ(run({"message", "hold", "-"}), exit_usage);
  EXPECT_THAT(err_, testing::StartsWith("mailweir: there is no message id on standard input"));
}

TEST_F(CliTest, TraceShowsEventsItDoesNotKnow) {
  port_.events = {
      R"({"time":"2026-09-21T14:10:08.000Z","type":"message.blessed","id":"0000000000001","colour":"blue"})",
      R"({"time":"2026-09-21T14:10:09.000Z","type":"disposition","id":"0000000000001","recipient":"ken@example.com","disposition":"expired","attempts":9,"failure":"connect_timeout"})"};
  run({"trace", "0000000000001"});
  EXPECT_EQ(out_,
            "2026-09-21 14:10:08.000Z  message.blessed {\"colour\":\"blue\"}\n"
            "2026-09-21 14:10:09.000Z  expired: ken@example.com\n"
            "                          connect_timeout\n");
}

TEST_F(CliTest, MessageShowTellsEnvelopeStateAndHeaders) {
  EXPECT_EQ(run({"message", "show", "0000000000001"}), exit_ok);
  EXPECT_EQ(out_,
            "0000000000001\n"
            "\n"
            "From        app@sender.example\n"
            "Received    2026-09-21 14:10:08Z (3m12s ago) from 192.0.2.7 [host.example]\n"
            "Class       default\n"
            "Size        4.0 KiB, 7bit\n"
            "Expires     2026-09-26 14:13:20Z (in 5d00h)\n"
            "\n"
            "Recipients\n"
            "    ken@example.com  deferred: next try in 45s, attempts: 2, microsoft\n"
            "        451 4.7.500 Server busy. Please try again later\n"
            "\n"
            "Headers\n"
            "    Subject: hello\n");
  EXPECT_EQ(run({"message", "show", "--content", "0000000000001"}), exit_ok);
  EXPECT_EQ(out_, port_.mail);
}

TEST_F(CliTest, JsonIsTheServersOwn) {
  EXPECT_EQ(run({"status", "--json"}), exit_ok);
  EXPECT_EQ(nlohmann::json::parse(out_)["totals"]["recipients"], 3);
  EXPECT_EQ(run({"--json", "message", "show", "0000000000009"}), exit_not_found);
  EXPECT_EQ(nlohmann::json::parse(out_)["status"], 404);
}

TEST_F(CliTest, ActsOnTheMessagesNamed) {
  EXPECT_EQ(run({"message", "hold", "0000000000001", "--reason", "asked by customer"}), exit_ok);
  EXPECT_EQ(out_, "Messages put on hold: 1.\n");
  EXPECT_EQ(port_.asked_action.action, Action::hold);
  EXPECT_EQ(port_.asked_action.reason, "asked by customer");
  EXPECT_EQ(run({"message", "release", "0000000000001", "0000000000009"}), exit_not_found);
  EXPECT_EQ(out_, "Messages released: 1.\nnot queued: 0000000000009\n");
}

TEST_F(CliTest, ActsOnTheIdsOfStandardInput) {
  input_ = "0000000000001  some more text\n\n  0000000000002\n";
  run({"message", "retry", "-"});
  EXPECT_THAT(port_.asked_action.ids, ElementsAre(MessageId{1}, MessageId{2}));
}

TEST_F(CliTest, BulkActionsCountBeforeTheyAct) {
  EXPECT_EQ(run({"message", "retry", "--all", "--provider", "google", "--dry-run"}), exit_ok);
  EXPECT_EQ(out_, "Messages that would be tried at once: 3.\n");
  EXPECT_TRUE(port_.asked_action.dry_run);
  EXPECT_EQ(port_.asked_action.filter->provider, "google");
  EXPECT_EQ(run({"message", "retry", "--all"}), exit_ok);
  EXPECT_TRUE(port_.asked_action.filter);
  EXPECT_FALSE(port_.asked_action.dry_run);
}

TEST_F(CliTest, NeverGuessesWhatToActOn) {
  EXPECT_EQ(run({"message", "hold"}), exit_usage);
  EXPECT_EQ(run({"message", "hold", "--provider", "google"}), exit_usage);
  EXPECT_EQ(run({"message", "hold", "--all", "0000000000001"}), exit_usage);
  EXPECT_EQ(run({"message", "hold", "--all", "--campaign", ""}), exit_usage);
  EXPECT_THAT(err_, HasSubstr("must not be empty"));
  EXPECT_EQ(run({"message", "hold", "nonsense"}), exit_usage);
  EXPECT_TRUE(port_.asked_action.actor.empty());
}

TEST_F(CliTest, DeleteAsksFirst) {
  EXPECT_EQ(run({"message", "delete", "0000000000001"}), exit_refused);  // no terminal to ask on
  EXPECT_TRUE(port_.asked_action.actor.empty());
  in_is_terminal_ = true;
  typed_ = "y";
  EXPECT_EQ(run({"message", "delete", "0000000000001"}), exit_refused);
  EXPECT_THAT(err_, HasSubstr("Messages to delete for good, without telling their senders: 1."));
  EXPECT_TRUE(port_.asked_action.dry_run);
  typed_ = "yes";
  EXPECT_EQ(run({"message", "delete", "0000000000001"}), exit_ok);
  EXPECT_FALSE(port_.asked_action.dry_run);
  EXPECT_EQ(port_.asked_action.action, Action::remove);
  typed_ = "";
  EXPECT_EQ(run({"message", "delete", "--all", "--yes"}), exit_ok);
  EXPECT_TRUE(port_.asked_action.filter);
}

TEST_F(CliTest, SendSubmitsStandardInputAndPrintsTheId) {
  input_ = "Subject: x\n\nbody\n";
  EXPECT_EQ(run({"send", "--from", "a@b.example", "--to", "c+d@e.example", "--to", "f@g.example",
                 "--class", "notice", "--tenant", "t", "--campaign", "june"}),
            exit_ok);
  EXPECT_EQ(out_, "0000000000001\n");
  EXPECT_EQ(port_.submitted.content, "Subject: x\r\n\r\nbody\r\n");
  EXPECT_EQ(port_.submitted.envelope.recipients.size(), 2U);
  EXPECT_EQ(port_.submitted.envelope.recipients[0].mailbox.text(), "c+d@e.example");
  EXPECT_EQ(port_.submitted.message_class, "notice");
  EXPECT_EQ(port_.submitted.tenant, "t");
  EXPECT_EQ(port_.submitted.campaign, "june");
}

TEST_F(CliTest, SendTakesATimeOrADurationByTheServersClock) {
  input_ = "Subject: x\n\nbody\n";
  const std::vector<std::string> line = {"send", "--from",      "<>",
                                         "--to", "c@d.example", "--not-before"};
  const auto with = [&line](const char* time) {
    std::vector<std::string> whole = line;
    whole.emplace_back(time);
    return whole;
  };
  EXPECT_EQ(run(with("30m")), exit_ok);
  EXPECT_EQ(port_.submitted.not_before, port_.moment.wall + std::chrono::minutes(30));
  EXPECT_EQ(run(with("2026-11-22T18:00:00+09:00")), exit_ok);
  EXPECT_EQ(port_.submitted.not_before, parse_rfc3339("2026-11-22T09:00:00Z"));
  EXPECT_EQ(run(with("tomorrow")), exit_usage);
}

TEST_F(CliTest, SendTellsARefusalAndABadMessage) {
  input_ = "Subject: x\n\nbody\n";
  port_.refusal = Reply{452, EnhancedStatus{4, 3, 1}, "4.3.1 disk full"};
  EXPECT_EQ(run({"send", "--from", "a@b.example", "--to", "c@d.example"}), exit_refused);
  EXPECT_THAT(err_, HasSubstr("452 4.3.1 disk full"));
  input_ = "no header";
  EXPECT_EQ(run({"send", "--from", "a@b.example", "--to", "c@d.example"}), exit_usage);
  EXPECT_EQ(run({"send", "nofile", "--from", "a@b.example", "--to", "c@d.example"}), exit_failure);
  EXPECT_THAT(err_, HasSubstr("cannot read nofile"));
}

TEST_F(CliTest, ConfigCheckNeedsNoServer) {
  server_->stop();
  report_ = {false, "mailweir.toml:3:1: unknown key \"max_rte\"\n", "mailweir.toml"};
  EXPECT_EQ(run({"config", "check", "mailweir.toml"}), exit_refused);
  EXPECT_EQ(checked_, "mailweir.toml");
  EXPECT_EQ(err_,
            "mailweir.toml:3:1: unknown key \"max_rte\"\nmailweir.toml: the configuration is not "
            "valid; a running server keeps its old one\n");
  report_ = {true, "", "other.toml"};
  EXPECT_EQ(run({"config", "check", "--config", "other.toml"}), exit_ok);
  EXPECT_EQ(checked_, "other.toml");
  EXPECT_EQ(out_, "other.toml: the configuration is valid\n");
  EXPECT_EQ(run({"config", "check", "--json"}), exit_ok);
  EXPECT_EQ(nlohmann::json::parse(out_)["valid"], true);
}

TEST_F(CliTest, ConfigCheckShowsNoControlCharactersOfTheFile) {
  report_ = {false, "x.toml:1:1: \x1b[2Jnot TOML\nanother\n", "x.toml"};
  EXPECT_EQ(run({"config", "check", "x.toml"}), exit_refused);
  EXPECT_THAT(err_, testing::StartsWith("x.toml:1:1: \\x1B[2Jnot TOML\nanother\n"));
}

TEST_F(CliTest, TraceOfARecipientSaysHowToFindTheId) {
  EXPECT_EQ(run({"trace", "ken@example.com"}), exit_usage);
  EXPECT_THAT(err_, HasSubstr("mailweir explain ken@example.com"));
  EXPECT_THAT(err_, HasSubstr("grep -F 'ken@example.com'"));
}

TEST_F(CliTest, NamesACommandThatIsNone) {
  EXPECT_EQ(run({"statsu"}), exit_usage);
  EXPECT_EQ(err_,
            "mailweir: there is no command \"statsu\"; did you mean \"status\"?\n"
            "`mailweir --help` lists them.\n");
  EXPECT_EQ(run({"message", "sohw", "1"}), exit_usage);
  EXPECT_EQ(err_,
            "mailweir: there is no command \"sohw\"; did you mean \"show\"?\n"
            "`mailweir message --help` lists them.\n");
}

TEST_F(CliTest, AMistypedProviderIsNoEmptyQueue) {
  port_.waiting.clear();
  port_.path_failure = Error{Errc::not_found, "no path"};
  EXPECT_EQ(run({"queue", "-p", "--provider", "microsoft"}), exit_not_found);
  EXPECT_THAT(err_, HasSubstr("did you mean \"ms365\"?"));
  EXPECT_EQ(run({"queue", "-p", "--provider", "ms365"}), exit_ok);
  EXPECT_EQ(run({"queue", "-p", "--provider", "mx.example.com"}), exit_ok);
}

TEST_F(CliTest, AConfigurationThatIsNotThereIsSaid) {
  program_.find_socket = [](const std::string& file) -> Result<std::string> {
    return fail(Errc::io, "cannot read " + file);
  };
  EXPECT_EQ(run({"--config", "absent.toml", "status"}), exit_failure);
  EXPECT_EQ(err_, "mailweir: cannot read absent.toml\n");
  report_ = {.is_valid = false, .text = "absent.toml: …\n", .file = "absent.toml"};
  report_.is_unreadable = true;
  EXPECT_EQ(run({"config", "check", "absent.toml"}), exit_failure);
}

TEST_F(CliTest, WithoutAServerTheProblemIsJsonToo) {
  program_.find_socket = [](const std::string&) { return std::string("/nonexistent/socket"); };
  EXPECT_EQ(run({"--json", "status"}), exit_unreachable);
  EXPECT_EQ(nlohmann::json::parse(out_)["title"], "Server unreachable");
}

TEST_F(CliTest, ConfigShowAndReload) {
  EXPECT_EQ(run({"config", "show", "-n"}), exit_ok);
  EXPECT_EQ(out_, "mode = \"live\"\n");
  EXPECT_EQ(run({"config", "reload"}), exit_ok);
  EXPECT_EQ(
      out_,
      "The new configuration is in force.\n    source mx1: caps changed; 3 connections kept\n");
  port_.reload_result = {.changed = false,
                         .effects = {"io_threads: 2 → 4 (takes effect at the next start)"}};
  EXPECT_EQ(run({"config", "reload"}), exit_ok);
  EXPECT_EQ(out_,
            "Nothing changes before the server is started again:\n"
            "    io_threads: 2 → 4 (takes effect at the next start)\n");
  port_.failure = Error{Errc::invalid_argument, "mailweir.toml:3:1: unknown key\n  3 | max_rte"};
  EXPECT_EQ(run({"config", "reload"}), exit_refused);
  EXPECT_EQ(err_, "mailweir: mailweir.toml:3:1: unknown key\n  3 | max_rte\n");
}

TEST_F(CliTest, SaysHowToReachAServerThatIsNotThere) {
  server_->stop();
  EXPECT_EQ(run({"status"}), exit_unreachable);
  EXPECT_EQ(
      err_,
      "mailweir: cannot reach the server at " + socket_ +
          ": No such file or directory; is it running?\n"
          "Start it with script/server or `mailweir serve`, or name its socket with --socket.\n");
}

TEST_F(CliTest, FindsTheSocketByOptionThenVariableThenConfigurationThenDefault) {
  variables_["MAILWEIR_SOCKET"] = "/by-variable";
  run({"status", "--socket", "/by-option"});
  EXPECT_THAT(err_, HasSubstr("/by-option:"));
  run({"status"});
  EXPECT_THAT(err_, HasSubstr("/by-variable:"));
  variables_.clear();
  EXPECT_EQ(run({"status"}), exit_ok);
  program_.find_socket = [](const std::string&) { return std::string(); };
  EXPECT_EQ(run({"status"}), exit_unreachable);
  EXPECT_THAT(err_, HasSubstr("./var/mailweir.sock:"));
}

TEST_F(CliTest, HandsTheRestOfTheLineToLocalCommands) {
  program_.find_socket = [](const std::string&) -> std::string {
    ADD_FAILURE() << "serve needs no socket";
    return "";
  };
  EXPECT_EQ(run({"serve", "--config", "x.toml", "--drain", "5s"}), 42);
  EXPECT_EQ(invocation_.config_file, "x.toml");
  EXPECT_THAT(invocation_.arguments, ElementsAre("--drain", "5s"));
}

TEST_F(CliTest, ACommandThatExplainsItselfGetsItsWholeLineAndTheLanguage) {
  program_.commands.push_back({.name = "sink",
                               .summary = "be a receiver",
                               .run =
                                   [this](const Invocation& invocation) {
                                     invocation_ = invocation;
                                     return 43;
                                   },
                               .explains_itself = true});
  EXPECT_EQ(run({"--lang", "ja", "sink", "--help", "--seed", "7"}), 43);
  EXPECT_THAT(invocation_.arguments, ElementsAre("--help", "--seed", "7"));
  EXPECT_EQ(invocation_.language, "ja");
}

TEST_F(CliTest, HelpIsASuccessAndAWrongLineIsNot) {
  EXPECT_EQ(run({"--help"}), exit_ok);
  for (const char* command : {"serve", "status", "queue", "trace", "message", "config", "send"})
    EXPECT_THAT(out_, HasSubstr(command));
  EXPECT_EQ(run({"--version"}), exit_ok);
  EXPECT_EQ(out_, "mailweir 0.1.0\n");
  for (const auto& wrong : std::vector<std::vector<std::string>>{{},
                                                                 {"dance"},
                                                                 {"status", "--rows", "0"},
                                                                 {"message"},
                                                                 {"trace"},
                                                                 {"queue", "--by", "colour"},
                                                                 {"queue", "--domain", "x"}}) {
    EXPECT_EQ(run(wrong), exit_usage);
    EXPECT_FALSE(err_.empty());
  }
}

}  // namespace
}  // namespace mailweir::cli
