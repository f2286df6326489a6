#include "sink/twin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "sink/dkim_domain.h"
#include "sink/twin_client.h"
#include "sink/twin_fixture.h"
#include "smtp/command.h"

namespace mailweir::sink {
namespace {

using namespace std::chrono_literals;
using Kind = world::Answer::Kind;
using testing::HasSubstr;
using world::Answer;
using world::Step;

// Answers as told, step by step; what it was told stays with it.
class ScriptedReceiver final : public world::Receiver {
 public:
  struct Script {
    std::map<Step, Answer> answers;
    std::string sender_domain;
    std::string mailbox;
    std::string dkim_domain;
    std::uint64_t size = 0;
    bool uses_tls = false;
    std::uint16_t host = 0;
    int hellos = 0;
  };
  explicit ScriptedReceiver(Script& script) : script_(script) {}

  Answer connect(world::Visit& visit, Instant) override {
    script_.host = visit.host;
    return of(Step::connect);
  }
  Answer ehlo(world::Visit&, Instant) override {
    ++script_.hellos;
    return of(Step::ehlo);
  }
  Answer tls(world::Visit&, Instant) override { return of(Step::tls); }
  Answer mail(world::Visit& visit, std::string_view domain, Instant) override {
    script_.sender_domain = domain;
    script_.uses_tls = visit.uses_tls;
    return of(Step::mail);
  }
  Answer rcpt(world::Visit&, std::string_view mailbox, Instant) override {
    script_.mailbox = mailbox;
    return of(Step::rcpt);
  }
  Answer data(world::Visit&, Instant) override { return of(Step::data); }
  Answer end_of_data(world::Visit&, const world::ContentFacts& content, Instant) override {
    script_.dkim_domain = content.dkim_domain;
    script_.size = content.size;
    return of(Step::end_of_data);
  }
  void leave(world::Visit&, Instant) override {}
  double limit(const IpAddress&, Instant) const override { return world::unlimited; }
  bool is_penalized(const IpAddress&, Instant) const override { return false; }
  std::uint64_t trips(const IpAddress&) const override { return 0; }
  bool control(Control, const IpAddress&, Instant) override { return false; }

 private:
  Answer of(Step step) const {
    const auto found = script_.answers.find(step);
    return found == script_.answers.end() ? Answer() : found->second;
  }
  Script& script_;
};

const IpAddress source = IpAddress::from_ipv4(0x7F000005);
constexpr std::string_view content = "Subject: x\r\n\r\nbody\r\n.\r\n";

class TwinTest : public testing::Test {
 protected:
  void start(const intake::TlsIdentity* tls = nullptr, TwinOptions options = {}) {
    twin.emplace(std::make_unique<ScriptedReceiver>(script), tls, std::move(options));
    ASSERT_TRUE(twin->error) << twin->error.error().context;
    client.emplace(twin->twin->endpoints()[1], source, twin->time.silence());
  }
  // What the client hears at `step`, everything before it being accepted.
  Heard hear_at(Step step) {
    auto heard = client->hear();
    if (step == Step::connect) return heard;
    EXPECT_EQ(heard.code, 220);
    for (const auto& [at, command] : std::initializer_list<std::pair<Step, std::string_view>>{
             {Step::ehlo, "EHLO client.example\r\n"},
             {Step::mail, "MAIL FROM:<a@sender.example>\r\n"},
             {Step::rcpt, "RCPT TO:<b@example.net>\r\n"},
             {Step::data, "DATA\r\n"},
             {Step::end_of_data, content}}) {
      heard = client->say(command);
      if (at == step) break;
    }
    return heard;
  }
  void tear_down() {
    client.reset();
    twin.reset();
  }
  SourceView view() { return twin->receiver.sources().at(0); }

  ScriptedReceiver::Script script;
  std::optional<TwinOnLoopback> twin;
  std::optional<TwinClient> client;
};

constexpr Step spoken_steps[] = {Step::connect, Step::ehlo, Step::mail,
                                 Step::rcpt,    Step::data, Step::end_of_data};

TEST_F(TwinTest, TakesAMessageAndTellsTheReceiverOfIt) {
  start();
  EXPECT_EQ(hear_at(Step::data).code, 354);
  const auto heard = client->say(
      "DKIM-Signature: v=1; a=rsa-sha256;\r\n d=Sign.Example; s=x\r\n\r\nbody\r\n.\r\n");
  EXPECT_EQ(heard.code, 250);
  EXPECT_EQ(script.host, 1);
  EXPECT_EQ(script.sender_domain, "sender.example");
  EXPECT_EQ(script.mailbox, "b@example.net");
  EXPECT_EQ(script.dkim_domain, "sign.example");
  EXPECT_EQ(script.size, 66u);
  EXPECT_EQ(view().source, source);
  EXPECT_EQ(view().tally.messages, 1u);
}

TEST_F(TwinTest, EveryReplyIsGivenAtItsStepAndMayClose) {
  for (const bool closes : {false, true}) {
    for (const auto step : spoken_steps) {
      script = {};
      script.answers[step] = {.kind = Kind::reply,
                              .reply = smtp::reply_of("451 4.7.500 Server busy"),
                              .closes = closes};
      start();
      const auto heard = hear_at(step);
      EXPECT_EQ(heard.code, 451) << to_string(step);
      EXPECT_EQ(heard.text, "4.7.500 Server busy");
      if (closes || step == Step::connect) {
        EXPECT_EQ(client->hear().kind, Heard::Kind::close) << to_string(step);
      } else {
        EXPECT_EQ(client->say("RSET\r\n").code, 250) << to_string(step);
      }
      EXPECT_EQ(view().tally.transient, 1u);
      tear_down();
    }
  }
}

TEST_F(TwinTest, EveryWayToEndWithoutAWordHappensAtEveryStep) {
  for (const auto& [kind, expected] : {std::pair{Kind::close, Heard::Kind::close},
                                       {Kind::reset, Heard::Kind::reset},
                                       {Kind::silence, Heard::Kind::silence}}) {
    for (const auto step : spoken_steps) {
      script = {};
      script.answers[step].kind = kind;
      start();
      EXPECT_EQ(hear_at(step).kind, expected) << to_string(step);
      EXPECT_EQ(view().tally.refused_at.at(static_cast<std::size_t>(step)), 1u);
      client->close();
      EXPECT_TRUE(twin->doorkeeper.wait_for(1));
      tear_down();
    }
  }
}

TEST_F(TwinTest, ADelayComesBeforeTheReplyButNotBeforeThoseAheadOfIt) {
  script.answers[Step::rcpt].delay = 10s;
  start();
  hear_at(Step::ehlo);
  client->say("MAIL FROM:<a@sender.example>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
  EXPECT_EQ(client->hear().code, 250);
  EXPECT_EQ(client->hear().code, 354);
  EXPECT_EQ(twin->clock.now(), Instant(10s));
}

TEST_F(TwinTest, WhatIsPipelinedBehindAMessageIsAnsweredAfterIt) {
  script.answers[Step::end_of_data] = {.kind = Kind::reply,
                                       .reply = smtp::reply_of("452 4.2.2 Full")};
  start();
  hear_at(Step::data);
  EXPECT_EQ(client->say("x\r\n.\r\nRSET\r\nMAIL FROM:<c@other.example>\r\n").code, 452);
  EXPECT_EQ(client->hear().code, 250);
  EXPECT_EQ(client->hear().code, 250);
  EXPECT_EQ(script.sender_domain, "other.example");
}

class TwinTlsTest : public TwinTest {
 protected:
  TwinTlsTest()
      : identity(intake::TlsIdentity::self_signed(testing::TempDir(), "sink.localhost").value()) {}
  Heard shake_hands() {
    hear_at(Step::ehlo);
    EXPECT_EQ(client->say("STARTTLS\r\n").code, 220);
    return client->shake_hands();
  }
  std::unique_ptr<intake::TlsIdentity> identity;
};

TEST_F(TwinTlsTest, AVisitorInsideTlsIsTheSameVisitor) {
  start(identity.get());
  EXPECT_EQ(shake_hands().kind, Heard::Kind::reply);
  EXPECT_EQ(client->say("EHLO client.example\r\n").code, 250);
  EXPECT_EQ(client->say("MAIL FROM:<>\r\n").code, 250);
  EXPECT_TRUE(script.uses_tls);
  EXPECT_EQ(script.hellos, 1);
  EXPECT_EQ(script.sender_domain, "");
}

TEST_F(TwinTlsTest, TheHandshakeCanBeCutResetOrLeftUnanswered) {
  for (const auto& [kind, expected] : {std::pair{Kind::close, Heard::Kind::close},
                                       {Kind::reset, Heard::Kind::reset},
                                       {Kind::silence, Heard::Kind::silence}}) {
    script.answers[Step::tls].kind = kind;
    start(identity.get());
    EXPECT_EQ(shake_hands().kind, expected);
    tear_down();
  }
}

TEST_F(TwinTlsTest, SilenceInsideTlsEndsWhenTheClientGoes) {
  script.answers[Step::mail].kind = Kind::silence;
  start(identity.get());
  shake_hands();
  client->say("EHLO client.example\r\n");
  EXPECT_EQ(client->say("MAIL FROM:<>\r\n").kind, Heard::Kind::silence);
  client->close();
  EXPECT_TRUE(twin->doorkeeper.wait_for(1));
}

TEST_F(TwinTest, SilentSessionsAreBounded) {
  script.answers[Step::connect].kind = Kind::silence;
  start(nullptr, {.silent_max = 1});
  EXPECT_EQ(client->hear().kind, Heard::Kind::silence);
  TwinClient second(twin->twin->endpoints()[0], source, twin->time.silence());
  EXPECT_EQ(second.hear().kind, Heard::Kind::close);
}

TEST_F(TwinTest, ABlockedSourceIsKeptOutWhateverTheReceiverSays) {
  start();
  EXPECT_EQ(hear_at(Step::ehlo).code, 250);
  twin->receiver.block(source, Kind::reset);
  EXPECT_EQ(client->say("MAIL FROM:<>\r\n").kind, Heard::Kind::reset);
  TwinClient other(twin->twin->endpoints()[0], IpAddress::from_ipv4(0x7F000006),
                   twin->time.silence());
  EXPECT_EQ(other.hear().code, 220);
  twin->receiver.block(source, std::nullopt);
  client.emplace(twin->twin->endpoints()[0], source, twin->time.silence());
  EXPECT_EQ(client->hear().code, 220);
}

TEST_F(TwinTest, SessionsBeyondTheLimitAreClosed) {
  start(nullptr, {.sessions_max = 1});
  EXPECT_EQ(client->hear().code, 220);
  TwinClient second(twin->twin->endpoints()[0], source, twin->time.silence());
  EXPECT_EQ(second.hear().kind, Heard::Kind::close);
  EXPECT_EQ(twin->twin->counts().turned_away, 1u);
}

TEST_F(TwinTest, LedgerAndLogHaveTheirLines) {
  TwinOptions options;
  options.ledger_file = testing::TempDir() + "/twin-ledger";
  options.log_file = testing::TempDir() + "/twin-log";
  ::unlink(options.ledger_file.c_str());
  ::unlink(options.log_file.c_str());
  start(nullptr, options);
  EXPECT_EQ(hear_at(Step::end_of_data).code, 250);
  script.answers[Step::mail] = {.kind = Kind::reply,
                                .reply = smtp::reply_of("451 4.7.500 Server busy")};
  EXPECT_EQ(client->say("MAIL FROM:<a@sender.example>\r\n").code, 451);
  std::ifstream ledger(options.ledger_file);
  std::ifstream log(options.log_file);
  std::string line;
  ASSERT_TRUE(std::getline(ledger, line));
  EXPECT_THAT(line, HasSubstr("a@sender.example\tb@example.net"));
  ASSERT_TRUE(std::getline(log, line));
  EXPECT_EQ(nlohmann::json::parse(line)["outcome"], "delivered");
  ASSERT_TRUE(std::getline(log, line));
  const auto refused = nlohmann::json::parse(line);
  EXPECT_EQ(refused["outcome"], "451 4.7.500 Server busy");
  EXPECT_EQ(refused["step"], "mail");
  EXPECT_EQ(refused["source"], "127.0.0.5");
}

TEST(TwinStart, AnEndpointInUseIsAnError) {
  ScriptedReceiver::Script script;
  TwinOnLoopback first(std::make_unique<ScriptedReceiver>(script));
  Twin second({.endpoints = {first.twin->endpoints()[0]}}, {&first.first}, first.clock,
              first.receiver, first.time);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().context, HasSubstr("cannot listen on 127.0.0.1:"));
}

TEST(DkimDomain, IsThatOfTheFirstSignature) {
  EXPECT_EQ(dkim_domain("DKIM-Signature: v=1; bh=dd=; d = A.Example ; s=x\r\n"
                        "DKIM-Signature: d=b.example\r\n\r\n"),
            "a.example");
  EXPECT_EQ(dkim_domain("DKIM-Signature: v=1\r\n\r\nd=body.example"), "");
  EXPECT_EQ(dkim_domain("Subject: d=x\r\n\r\n"), "");
}

}  // namespace
}  // namespace mailweir::sink
