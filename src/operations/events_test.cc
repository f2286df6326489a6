#include "operations/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "operations/test_directory.h"

namespace mailweir::operations {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const UnixTime noon{std::chrono::seconds(1'763'812'800)};

template <class Event>
json written(const Event& event) {
  JsonLine line;
  return json::parse(to_json(line, noon, event));
}

TEST(Events, AnAttemptTellsHowItWent) {
  const Reply reply{.code = 451,
                    .enhanced = EnhancedStatus{4, 7, 500},
                    .text = "4.7.500 Server busy\nplease \xFF wait"};
  const std::array<std::string_view, 2> recipients = {"a@example.com", "b@example.com"};
  const std::array<TimedPhase, 2> timings = {
      TimedPhase{Phase::mail, std::chrono::milliseconds(12)},
      TimedPhase{Phase::rcpt, std::chrono::microseconds(400)}};
  EXPECT_EQ(written(Attempt{.id = {42},
                            .recipients = recipients,
                            .source = "mx1",
                            .source_address = "192.0.2.1",
                            .provider = "ms365",
                            .host = "mx.example.com",
                            .address = "198.51.100.7:25",
                            .tls = "TLSv1.3",
                            .phase = Phase::rcpt,
                            .outcome = Disposition::deferred,
                            .failure = {},
                            .reply = &reply,
                            .attempt = 3,
                            .timings = timings,
                            .next_due = noon + std::chrono::minutes(4),
                            .transcript = "> RCPT TO:<a@example.com>\n"}),
            json::parse(R"({"time":"2025-11-22T12:00:00.000Z","type":"attempt","id":"000000000001A",
              "recipients":["a@example.com","b@example.com"],"outcome":"deferred","attempt":3,"phase":"rcpt",
              "reply":{"code":451,"enhanced":"4.7.500","text":"4.7.500 Server busy\nplease \ufffd wait"},
              "source":"mx1","source_address":"192.0.2.1","provider":"ms365","host":"mx.example.com","address":"198.51.100.7:25",
              "tls":"TLSv1.3","timings_ms":{"mail":12,"rcpt":0.4},"next_due":"2025-11-22T12:04:00.000Z",
              "transcript":"> RCPT TO:<a@example.com>\n"})"));
}

TEST(Events, ANoticeTellsWhatItRestsOn) {
  const Reply reply{.code = 451, .enhanced = EnhancedStatus{4, 7, 500}, .text = "4.7.500 busy"};
  EXPECT_EQ(written(PathNoticed{.type = "throttle.detected",
                                .source = "mx1",
                                .provider = "ms365",
                                .cause = "throttle",
                                .has_rates = true,
                                .from = std::numeric_limits<double>::infinity(),
                                .to = 0.25,
                                .paths_held = 1,
                                .paths_used = 3,
                                .refused_share = 1.0 / 3,
                                .waiting = 12,
                                .since = noon,
                                .phase = Phase::mail,
                                .reply = &reply,
                                .rule = "ms365/busy",
                                .suspect = "acme",
                                .suspect_campaign = "june",
                                .suspect_share = 0.5,
                                .suspect_growth = 3.5,
                                .suspect_bounced = 0.25,
                                .suspect_tenant_growth = 1.0,
                                .detail = "1 of 3"}),
            json::parse(R"({"time":"2025-11-22T12:00:00.000Z","type":"throttle.detected",
              "source":"mx1","provider":"ms365","cause":"throttle","from_per_s":null,"to_per_s":0.25,
              "paths_held":1,"paths_used":3,"refused_share":0.333333,"waiting":12,
              "since":"2025-11-22T12:00:00.000Z","phase":"mail",
              "reply":{"code":451,"enhanced":"4.7.500","text":"4.7.500 busy"},"rule":"ms365/busy",
              "suspect":"acme","suspect_campaign":"june","suspect_share":0.5,"suspect_growth":3.5,"suspect_bounced":0.25,"suspect_tenant_growth":1.0,"detail":"1 of 3"})"));
}

TEST(Events, AHandTellsWhoSetItAndUntilWhen) {
  EXPECT_EQ(written(PathActed{.action = PathAction::capped,
                              .source = "mx1",
                              .provider = "*",
                              .hand = 7,
                              .rate = "20/min",
                              .connections = 5,
                              .until = noon + std::chrono::hours(2),
                              .by = "uid 0",
                              .reason = "they called",
                              .detail = {}}),
            json::parse(R"({"time":"2025-11-22T12:00:00.000Z","type":"path.capped","source":"mx1",
              "provider":"*","hand":7,"rate":"20/min","connections":5,
              "until":"2025-11-22T14:00:00.000Z","by":"uid 0","reason":"they called"})"));
}

TEST(Events, ReceivedNamesEveryRecipient) {
  const std::vector<Recipient> recipients = {{.mailbox = Mailbox::parse("a@example.com").value()},
                                             {.mailbox = Mailbox::parse("b@example.net").value()}};
  const json event = written(MessageReceived{.id = {1},
                                             .client = "192.0.2.7",
                                             .helo = "host.example",
                                             .tls = {},
                                             .listener = "127.0.0.1:2525",
                                             .sender = {},
                                             .recipients = recipients,
                                             .size_bytes = 4096,
                                             .message_class = "notice",
                                             .tenant = {}});
  EXPECT_EQ(
      event,
      json::parse(
          R"({"time":"2025-11-22T12:00:00.000Z","type":"message.received","id":"0000000000001",
    "client":"192.0.2.7","helo":"host.example","listener":"127.0.0.1:2525","sender":"",
    "recipients":["a@example.com","b@example.net"],"size_bytes":4096,"class":"notice"})"));
}

TEST(Events, TypesFollowWhatWasDone) {
  EXPECT_EQ(written(ConfigChanged{.step = ConfigStep::rejected})["type"], "config.rejected");
  EXPECT_EQ(written(OperatorActed{.action = OperatorAction::retried, .id = {1}})["type"],
            "message.retried");
  EXPECT_FALSE(written(ServerStopped{.reason = "SIGTERM"}).contains("id"));
}

// Every type the code can write, one of each.
std::vector<json> one_of_each() {
  const Reply reply{.code = 550, .enhanced = {}, .text = "no"};
  return {written(ServerStarted{}),
          written(ServerStopped{}),
          written(ConfigChanged{.step = ConfigStep::loaded}),
          written(ConfigChanged{.step = ConfigStep::reloaded}),
          written(ConfigChanged{.step = ConfigStep::rejected}),
          written(MessageReceived{.id = {1}}),
          written(Attempt{.id = {1}, .reply = &reply}),
          written(ConnectionFailed{.reply = &reply}),
          written(RecipientSettled{.id = {1}, .reply = &reply}),
          written(OperatorActed{.action = OperatorAction::held, .id = {1}}),
          written(OperatorActed{.action = OperatorAction::released, .id = {1}}),
          written(OperatorActed{.action = OperatorAction::deleted, .id = {1}}),
          written(OperatorActed{.action = OperatorAction::retried, .id = {1}}),
          written(DsnSent{.id = {1}}),
          written(SpoolFull{}),
          written(SpoolRecovered{}),
          written(RouteLookupFailed{}),
          written(MessageUnreadable{.id = {1}}),
          written(EventsDropped{})};
}

TEST(Events, TheDocumentNamesEveryTypeAndField) {
  const std::string page = file_text(WEIR_SOURCE_DIR "/docs/events.md");
  for (const json& event : one_of_each()) {
    EXPECT_THAT(page, HasSubstr("`" + event["type"].get<std::string>() + "`"));
    for (const auto& [key, value] : event.items()) EXPECT_THAT(page, HasSubstr("`" + key + "`"));
  }
}

}  // namespace
}  // namespace mailweir::operations
