// `mailweir classify` and `mailweir catalogue` from command line to output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/cli.h"
#include "cli/refusals.h"
#include "provider/provider_file.h"

namespace mailweir::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ClassifyCommand : public testing::Test {
 protected:
  int run(std::vector<std::string> arguments) {
    out_.clear();
    err_.clear();
    std::vector<const char*> argv = {"mailweir"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    const Environment environment{
        .variable = [](const char*) -> std::optional<std::string> { return std::nullopt; },
        .out = [this](std::string_view text) { out_ += text; },
        .err = [this](std::string_view text) { err_ += text; },
        .read = [this](const std::string& file) -> Result<std::string> {
          if (file == "-") return input_;
          const auto found = files_.find(file);
          if (found == files_.end()) return fail(Errc::io, "cannot read " + file);
          return found->second;
        },
        .read_line = [] { return std::string(); }};
    return mailweir::cli::run(static_cast<int>(argv.size()), argv.data(),
                              Program{.version = "0.1.0"}, environment);
  }

  std::string input_;
  std::map<std::string, std::string> files_;
  std::string out_;
  std::string err_;
};

constexpr const char* busy =
    "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)";

TEST_F(ClassifyCommand, ExplainsAReplyItsRuleAndWhatIsDone) {
  EXPECT_EQ(run({"classify", "--provider", "ms365", busy}), exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("Microsoft 365"), HasSubstr("throttled: too much"),
                          HasSubstr("our IP at this provider"), HasSubstr("ms365/busy-throttle"),
                          HasSubstr("providers/ms365.toml:"), HasSubstr("sends one canary")));
}

TEST_F(ClassifyCommand, ExplainsInJapanese) {
  EXPECT_EQ(
      run({"classify", "--lang", "ja", "--mx", "example-com.mail.protection.outlook.com", busy}),
      exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("送信の量か速さが多すぎる"),
                          HasSubstr("経路(送信元 × プロバイダー)を保留")));
  EXPECT_THAT(out_, HasSubstr("\n  プロバイダー  Microsoft 365"));
  EXPECT_THAT(out_, HasSubstr("\n  段階          "));
}

TEST_F(ClassifyCommand, ABlockListingDoesNotBounce) {
  EXPECT_EQ(run({"classify", "--phase", "mail", "--provider", "outlook-consumer",
                 "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. (S3150)"}),
            exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("block_listed"), HasSubstr("nothing bounces")));
}

TEST_F(ClassifyCommand, NothingBouncesBeforeAnyMail) {
  EXPECT_EQ(run({"classify", "--phase", "banner", "554 Server is shutting down for maintenance"}),
            exit_ok);
  EXPECT_THAT(out_, HasSubstr("refused before any mail: nothing bounces"));
  EXPECT_EQ(run({"classify", "--phase", "rcpt", "554 Server is shutting down for maintenance"}),
            exit_ok);
  EXPECT_THAT(out_, Not(HasSubstr("nothing bounces")));
}

TEST_F(ClassifyCommand, ReadsLogsAndSumsThemUp) {
  input_ =
      "Nov 22 10:00:00 mx postfix/smtp[1]: A1: to=<k@example.com>, "
      "relay=a.mail.protection.outlook.com[192.0.2.7]:25, status=deferred (host "
      "a.mail.protection.outlook.com[192.0.2.7] said: 451 4.7.500 Server busy. Please try again "
      "later from [192.0.2.1]. (S77719) (in reply to RCPT TO command))\n"
      "Nov 22 10:00:01 mx postfix/qmgr[1]: A1: removed\n"
      "{\"event\":\"attempt\",\"provider\":\"google\",\"phase\":\"rcpt\",\"reply\":{\"code\":452,"
      "\"text\":\"4.2.2 over quota\"}}\n"
      "450 odd thing 17\n450 odd thing 18\n"
      "\tbanner\t554 Your IP address is blacklisted\n"
      "2026-11-22 == k@example.com R=d T=s defer (-44) H=mx.example.com [192.0.2.7]: SMTP error "
      "from "
      "remote mail server after RCPT TO:<k@example.com>: 451 Greylisted\n";
  EXPECT_EQ(run({"classify"}), exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("throttled"), HasSubstr("ms365"), HasSubstr("greylisted"),
                          HasSubstr("Unknown refusals: 2. Add a rule"),
                          HasSubstr("450 odd thing 17"), Not(HasSubstr("450 odd thing 18"))));
  EXPECT_EQ(run({"classify", "--json"}), exit_ok);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["replies"].size(), 6U);
  EXPECT_EQ(json["counts"]["block_listed"], 1);
  EXPECT_EQ(json["unknown"][0]["count"], 2);
}

constexpr const char* two_events =
    "{\"type\":\"attempt\",\"provider\":\"google\",\"phase\":\"rcpt\",\"reply\":{\"code\":452,"
    "\"text\":\"4.2.2 over quota\"}}\n"
    "{\"type\":\"attempt\",\"provider\":\"ms365\",\"phase\":\"rcpt\",\"reply\":{\"code\":451,"
    "\"text\":\"4.7.500 Server busy. (S77719)\"}}\n";

TEST_F(ClassifyCommand, ReadsAnEventLogOfMoreThanOneLine) {
  input_ = two_events;
  EXPECT_EQ(run({"classify"}), exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("452 4.2.2"), HasSubstr("ms365/busy-throttle")));
}

TEST_F(ClassifyCommand, ReadsAFileNamedInPlaceOfAReply) {
  files_["events-0001.jsonl"] = two_events;
  EXPECT_EQ(run({"classify", "events-0001.jsonl"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("ms365/busy-throttle"));
  EXPECT_EQ(run({"classify", "events-0002.jsonl"}), exit_failure);
  EXPECT_THAT(err_, HasSubstr("events-0002.jsonl"));
}

TEST_F(ClassifyCommand, ReadsABounce) {
  input_ =
      "From: MAILER-DAEMON@example.net\nSubject: x\n\nReporting-MTA: dns; a\n\n"
      "Final-Recipient: rfc822; ken@example.com\nAction: failed\nStatus: 5.1.1\n"
      "Remote-MTA: dns; gmail-smtp-in.l.google.com\n"
      "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not "
      "exist.\n\n";
  files_["bounce.eml"] = input_;
  EXPECT_EQ(run({"classify", "--dsn", "bounce.eml"}), exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("ken@example.com"), HasSubstr("google/no-mailbox"),
                          HasSubstr("bounces this recipient")));
  EXPECT_EQ(run({"classify"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("google/no-mailbox"));
}

TEST_F(ClassifyCommand, ReadsABounceWithoutAReport) {
  files_["bounce.eml"] =
      "From: MAILER-DAEMON@example.net\nSubject: failure notice\n\n"
      "Hi. This is the qmail-send program at example.net.\n\n<ken@example.org>:\n"
      "Sorry, no mailbox here by that name. (#5.1.1)\n\n<mari@example.org>:\n"
      "192.0.2.9 does not like recipient.\nRemote host said: 552 5.2.2 Mailbox full\n"
      "Giving up on 192.0.2.9.\n";
  EXPECT_EQ(run({"classify", "--json", "--dsn", "bounce.eml"}), exit_ok);
  const nlohmann::json json = nlohmann::json::parse(out_);
  ASSERT_EQ(json["replies"].size(), 2U);
  EXPECT_EQ(json["counts"]["mailbox"], 2);
  EXPECT_EQ(json["replies"][0]["recipient"], "ken@example.org");
  EXPECT_EQ(json["replies"][1]["reply"], "552 5.2.2 Mailbox full");
  EXPECT_EQ(json["replies"][1]["host"], "192.0.2.9");
}

TEST_F(ClassifyCommand, ADelayIsNoFailure) {
  files_["delay.eml"] =
      "From: MAILER-DAEMON@example.net\nSubject: Delayed Mail\n\nReporting-MTA: dns; a\n\n"
      "Final-Recipient: rfc822; ken@example.com\nAction: delayed\nStatus: 4.2.2\n"
      "Diagnostic-Code: smtp; 452 4.2.2 Mailbox full\n";
  EXPECT_EQ(run({"classify", "--dsn", "delay.eml"}), exit_usage);
  EXPECT_THAT(err_, HasSubstr("no refusal"));
}

TEST_F(ClassifyCommand, ManyUnclearRepliesAreSaidToHoldThePath) {
  EXPECT_EQ(run({"classify", "451 4.7.1 Try again later"}), exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("receiver_trouble"), HasSubstr("in a row"),
                          HasSubstr("hold the path")));
  EXPECT_EQ(run({"classify", "450 odd thing 17"}), exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("unknown_temporary"), HasSubstr("hold the path")));
}

TEST_F(ClassifyCommand, AProviderByAnotherNameIsHintedAt) {
  const std::pair<const char*, const char*> names[] = {
      {"gmail", "\"google\""},  {"microsoft365", "\"ms365\""}, {"Microsoft", "\"ms365\""},
      {"googel", "\"google\""}, {"icloud", "\"apple\""},       {"au", "\"au-kddi\""}};
  for (const auto& [name, key] : names) {
    EXPECT_EQ(run({"classify", "--provider", name, busy}), exit_usage);
    EXPECT_THAT(err_, HasSubstr(key));
  }
  EXPECT_EQ(run({"classify", "--provider", "somewhere", busy}), exit_usage);
  EXPECT_THAT(err_, Not(HasSubstr("did you mean")));
}

TEST_F(ClassifyCommand, NothingToReadIsSaid) {
  EXPECT_EQ(run({"classify", "250 ok"}), exit_usage);
  EXPECT_THAT(err_, HasSubstr("no refusal"));
  EXPECT_EQ(run({"classify", "--phase", "rctp", busy}), exit_usage);
  EXPECT_EQ(run({"classify", "--provider", "googel", busy}), exit_usage);
  EXPECT_THAT(err_, HasSubstr("googel"));
}

TEST_F(ClassifyCommand, ListsTheCatalogue) {
  EXPECT_EQ(run({"catalogue"}), exit_ok);
  EXPECT_THAT(out_, AllOf(HasSubstr("ms365-dane"), HasSubstr("Google (Gmail, Workspace)")));
  EXPECT_EQ(run({"catalogue", "check"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("nothing is wrong"));
  EXPECT_EQ(run({"catalogue", "check", "--lang", "ja"}), exit_ok);
  EXPECT_THAT(out_, HasSubstr("誤りはありません"));
}

TEST_F(ClassifyCommand, ChecksAsJson) {
  EXPECT_EQ(run({"--json", "catalogue", "check"}), exit_ok);
  EXPECT_EQ(out_, "[]\n");
}

class OwnRules : public ClassifyCommand {
 protected:
  OwnRules()
      : folder_(std::filesystem::temp_directory_path() /
                ("mailweir-rules-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~OwnRules() override { std::filesystem::remove_all(folder_); }

  void write(const char* name, std::string_view text) const {
    std::ofstream(folder_ / name) << text;
  }

  std::filesystem::path folder_;
};

TEST_F(OwnRules, AreJudgedBeforeThoseBuiltIn) {
  write(
      "google.toml",
      "key = \"google\"\nname = \"Google\"\nmx = [\"*.google.com\"]\n[[rule]]\nname = \"own\"\n"
      "phrase = \"out of storage space\"\ncategory = \"receiver_trouble\"\nscope = \"host\"\n"
      "source = \"us\"\ndate = \"2026\"\nsamples = [{ phase = \"rcpt\", reply = \"452 4.2.2 out of "
      "storage space\" }]\n");
  EXPECT_EQ(run({"classify", "--rules", folder_.string(), "--provider", "google",
                 "452 4.2.2 out of storage space"}),
            exit_ok);
  EXPECT_THAT(out_, HasSubstr("google/own"));
}

TEST_F(OwnRules, MayBeACopyOfThoseBuiltIn) {
  for (const provider::ProviderFile& file : provider::embedded_provider_files())
    write(std::filesystem::path(file.name).filename().c_str(), file.text);
  EXPECT_EQ(run({"catalogue", "check", folder_.string()}), exit_ok) << out_;
  EXPECT_EQ(run({"classify", "--rules", folder_.string(), "--provider", "yahoo",
                 "554 5.7.5 (AU01) Message not accepted for policy reasons, DKIM"}),
            exit_ok);
  EXPECT_THAT(out_, HasSubstr("yahoo/dkim-policy"));
}

TEST_F(OwnRules, MayTakeOverWhatABuiltInOneReads) {
  write(
      "google.toml",
      "key = \"google\"\nname = \"Google\"\nmx = [\"*.google.com\"]\n[[rule]]\nname = \"own\"\n"
      "phrase = \"does not exist\"\ncategory = \"mailbox\"\nscope = \"recipient\"\n"
      "source = \"us\"\ndate = \"2026\"\nsamples = [{ phase = \"rcpt\", reply = \"550 it does not "
      "exist\" }]\n");
  EXPECT_EQ(run({"catalogue", "check", folder_.string()}), exit_ok) << out_;
}

TEST_F(OwnRules, TheirFlawsAreNamedWithFileAndLine) {
  write("x.toml",
        "key = \"x\"\nname = \"X\"\nmx = [\"*.x.example\"]\n[[rule]]\nname = \"a\"\n"
        "phrase = \"odd\"\ncategory = \"mailbox\"\nscope = \"recipient\"\n");
  EXPECT_EQ(run({"catalogue", "check", folder_.string()}), exit_failure);
  EXPECT_THAT(out_, AllOf(HasSubstr("x.toml:4: rule x/a has no sample"), HasSubstr("no source")));
  write("x.toml",
        "key = \"x\"\nname = \"X\"\nmx = [\"*.x.example\"]\n[[rule]]\nname = \"a\"\nphrase = "
        "\"Odd.\"\n");
  EXPECT_EQ(run({"catalogue", "check", folder_.string()}), exit_failure);
  EXPECT_THAT(err_, HasSubstr("x.toml:6:"));
}

TEST_F(OwnRules, AFolderWithoutRulesIsNoAnswer) {
  EXPECT_EQ(run({"catalogue", "check", folder_.string()}), exit_failure);
  EXPECT_THAT(err_, HasSubstr("there is no rule"));
}

}  // namespace
}  // namespace mailweir::cli
