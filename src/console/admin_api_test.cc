#include "console/admin_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "console/fake_admin_port.h"

namespace mailweir::console {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;

std::vector<std::string> names_of(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

class AdminApiTest : public testing::Test {
 protected:
  AdminApiTest() { add_admin_routes(router_, port_); }

  Response ask(std::string_view method, std::string_view target, std::string body = "",
               std::string content_type = "application/json",
               Access access = Access::operator_only) {
    Target parsed = parse_target(target).value();
    auto found = router_.find(method, parsed.path, access);
    if (auto* refusal = std::get_if<Response>(&found)) return *refusal;
    auto& match = std::get<RouteMatch>(found);
    std::optional<Response> answer;
    match.route->handler(Request{.method = match.route->method,
                                 .path = parsed.path,
                                 .path_parameters = match.path_parameters,
                                 .query = parsed.query,
                                 .content_type = std::move(content_type),
                                 .body = std::move(body),
                                 .access = access,
                                 .actor = "uid 7"},
                         Responder([&answer](Response response) { answer = std::move(response); }));
    EXPECT_TRUE(answer) << target;
    return answer.value_or(Response{});
  }
  Json get(std::string_view target) {
    const Response response = ask("GET", target);
    EXPECT_EQ(response.status, 200U) << target << response.body;
    return Json::parse(response.body, nullptr, false);
  }
  // The detail of the problem that `target` answers with.
  std::string problem_detail(unsigned status, const Response& response) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    return Json::parse(response.body)["detail"];
  }

  FakeAdminPort port_;
  Router router_;
};

TEST_F(AdminApiTest, StatusHasItsDocumentedMembers) {
  const Json json = get("/api/v1/status");
  EXPECT_THAT(names_of(json),
              testing::UnorderedElementsAre(
                  "server_time", "version", "node", "mode", "ready", "ready_detail", "troubles",
                  "started", "uptime_s", "data_dir", "config_file", "listeners", "totals",
                  "counters", "disk", "providers_total", "providers_active", "providers",
                  "paths_held", "paths_paused", "paths_stopped", "stopped_paths", "findings",
                  "unknown_refusals", "paths_total", "paths"));
  EXPECT_EQ(json["server_time"], "2026-09-21T14:13:20.000Z");
  EXPECT_EQ(json["uptime_s"], 3723.0);
  EXPECT_EQ(json["mode"], "sandbox");
  EXPECT_EQ(json["config_file"], nullptr);
  EXPECT_EQ(json["providers_active"], 1);
  EXPECT_EQ(json["totals"]["oldest"], "2026-09-21T14:10:08.000Z");
  EXPECT_EQ(json["totals"]["oldest_age_s"], 192.0);
  EXPECT_EQ(json["paths"][0]["provider"], "google");
  EXPECT_EQ(json["paths"][1]["caps"]["message_rate"], "20/min");
  EXPECT_EQ(json["paths"][0]["caps"]["message_rate"], nullptr);
}

TEST_F(AdminApiTest, StatusBoundsItsRowsAndCountsThem) {
  const Json json = get("/api/v1/status?rows=1");
  EXPECT_EQ(json["providers"].size(), 1U);
  EXPECT_EQ(json["providers_total"], 2);
  EXPECT_EQ(json["paths"].size(), 1U);
  EXPECT_EQ(json["paths_total"], 2);
}

TEST_F(AdminApiTest, AnEmptyQueueHasNoOldest) {
  port_.server.totals.oldest = never;
  const Json json = get("/api/v1/status");
  EXPECT_EQ(json["totals"]["oldest"], nullptr);
  EXPECT_EQ(json["totals"]["oldest_age_s"], nullptr);
}

TEST_F(AdminApiTest, QueueGivesTheFullestRowsFirst) {
  const Json json = get("/api/v1/queue?by=domain&rows=1");
  EXPECT_EQ(port_.asked_key, engine::QueueKey::domain);
  EXPECT_EQ(json["by"], "domain");
  EXPECT_EQ(json["rows_total"], 2);
  ASSERT_EQ(json["rows"].size(), 1U);
  EXPECT_EQ(json["rows"][0],
            Json::parse(R"({"key":"google","total":2,"ready":0,"in_flight":1,"deferred":0,"held":1,
      "oldest":"2026-09-21T14:13:18.000Z","oldest_age_s":2.0})"));
}

TEST_F(AdminApiTest, RecipientsTellStateReasonAndTheLastReplyVerbatim) {
  const Json json = get(
      "/api/v1/recipients?state=deferred&class=default&provider=p&domain=d&tenant=t&campaign=c");
  EXPECT_EQ(port_.asked_filter.disposition, Disposition::deferred);
  EXPECT_EQ(port_.asked_filter.message_class, "default");
  EXPECT_EQ(port_.asked_filter.provider, "p");
  EXPECT_EQ(port_.asked_filter.domain, "d");
  EXPECT_EQ(port_.asked_filter.tenant, "t");
  EXPECT_EQ(port_.asked_filter.campaign, "c");
  EXPECT_EQ(json["next"], nullptr);
  EXPECT_EQ(json["recipients"][0],
            Json::parse(R"({"message":"0000000000001","recipient":0,"mailbox":"ken@example.com",
      "reverse_path":"app@sender.example","size_bytes":4096,"class":"default","tenant":null,"campaign":null,
      "accepted":"2026-09-21T14:10:08.000Z","expires":"2026-09-26T14:13:20.000Z","domain":"example.com","provider":"microsoft",
      "state":"deferred","reason":"retry","until":"2026-09-21T14:14:05.000Z","due":"2026-09-21T14:14:05.000Z","attempts":2,"cell":null,
      "reply_code":451,"reply":"4.7.500 Server busy. Please try again later"})"));
  EXPECT_EQ(json["recipients"][1]["reason"], nullptr);
}

TEST_F(AdminApiTest, RecipientsComeInPages) {
  const Json first = get("/api/v1/recipients?count=2");
  EXPECT_EQ(first["next"], "0000000000002");
  const Json second = get("/api/v1/recipients?count=2&after=0000000000002");
  EXPECT_EQ(second["recipients"].size(), 1U);
  EXPECT_EQ(second["next"], nullptr);
}

TEST_F(AdminApiTest, MessageShowsHeadersToOperatorsOnly) {
  const Json json = get("/api/v1/messages/0000000000001");
  EXPECT_EQ(json["headers"], "Subject: hello\r\n");
  EXPECT_EQ(json["reverse_path"], "app@sender.example");
  EXPECT_EQ(json["not_before"], nullptr);
  EXPECT_EQ(json["body"], "7bit");
  EXPECT_EQ(json["recipients"][0]["mailbox"], "ken@example.com");
  EXPECT_EQ(json["recipients"][0]["reason"], "retry");
  const Response seen = ask("GET", "/api/v1/messages/0000000000001", "", "", Access::reader);
  EXPECT_EQ(Json::parse(seen.body)["headers"], nullptr);
}

TEST_F(AdminApiTest, ASettledRecipientNoLongerWaits) {
  port_.detail.recipients[0].view.disposition = Disposition::delivered;
  const Json json = get("/api/v1/messages/0000000000001");
  EXPECT_EQ(json["recipients"][0]["state"], "delivered");
  EXPECT_EQ(json["recipients"][0]["reason"], nullptr);
  EXPECT_EQ(json["recipients"][0]["due"], nullptr);
}

TEST_F(AdminApiTest, ContentComesVerbatimAndNotToReaders) {
  const Response response = ask("GET", "/api/v1/messages/0000000000001/content");
  EXPECT_EQ(response.content_type, "message/rfc822");
  EXPECT_EQ(response.body, port_.mail);
  EXPECT_EQ(ask("GET", "/api/v1/messages/0000000000001/content", "", "", Access::reader).status,
            403U);
}

TEST_F(AdminApiTest, TraceGivesTheEventsAndDropsATornLine) {
  const Json json = get("/api/v1/messages/0000000000001/trace");
  ASSERT_EQ(json["events"].size(), port_.events.size() - 1);
  EXPECT_EQ(json["events"][1], Json::parse(port_.events[1]));
  port_.events.clear();
  EXPECT_EQ(get("/api/v1/messages/0000000000001/trace")["events"], Json::array());
}

TEST_F(AdminApiTest, UnknownAndMalformedIdsAreTold) {
  EXPECT_THAT(problem_detail(404, ask("GET", "/api/v1/messages/0000000000009")),
              HasSubstr("0000000000009"));
  EXPECT_THAT(problem_detail(404, ask("POST", "/api/v1/messages/0000000000009/hold")),
              HasSubstr("0000000000009"));
  EXPECT_THAT(problem_detail(400, ask("GET", "/api/v1/messages/nonsense")),
              HasSubstr("no message id"));
}

TEST_F(AdminApiTest, ActsOnOneMessageWithAReason) {
  const Response response =
      ask("POST", "/api/v1/messages/0000000000001/delete", R"({"reason":"wrong list"})");
  EXPECT_EQ(
      Json::parse(response.body),
      Json::parse(R"({"action":"delete","dry_run":false,"matched":1,"changed":1,"not_found":[]})"));
  EXPECT_EQ(port_.asked_action.action, Action::remove);
  EXPECT_THAT(port_.asked_action.ids, ElementsAre(MessageId{1}));
  EXPECT_EQ(port_.asked_action.reason, "wrong list");
  EXPECT_EQ(port_.asked_action.actor, "uid 7");
}

TEST_F(AdminApiTest, ActsOnManyByIdFilterOrAll) {
  EXPECT_EQ(Json::parse(ask("POST", "/api/v1/actions",
                            R"({"action":"hold","ids":["0000000000001","0000000000009"]})")
                            .body)["not_found"],
            Json::parse(R"(["0000000000009"])"));
  EXPECT_EQ(ask("POST", "/api/v1/actions",
                R"({"action":"retry","filter":{"provider":"google"},"dry_run":true})")
                .status,
            200U);
  EXPECT_EQ(port_.asked_action.filter->provider, "google");
  EXPECT_TRUE(port_.asked_action.dry_run);
  EXPECT_EQ(ask("POST", "/api/v1/actions", R"({"action":"release","all":true})").status, 200U);
  EXPECT_TRUE(port_.asked_action.filter);
  EXPECT_EQ(ask("POST", "/api/v1/actions", R"({"action":"release","all":true})", "application/json",
                Access::reader)
                .status,
            403U);
}

TEST_F(AdminApiTest, NeverGuessesWhatToActOn) {
  for (const char* bad :
       {"", "{}", "[]", "{", R"({"action":"hold"})", R"({"action":"hold","all":false})",
        R"({"action":"hold","ids":[]})", R"({"action":"hold","filter":{}})",
        R"({"action":"hold","filter":{"campaign":""}})",
        R"({"action":"hold","filter":{"provder":"google"}})",
        R"({"action":"hold","filter":{"provider":1}})", R"({"action":"hold","ids":["x"]})",
        R"({"action":"hold","ids":[1]})", R"({"action":"burn","all":true})", R"({"all":true})",
        R"({"action":"hold","all":true,"dryrun":true})",
        R"({"action":"hold","all":true,"dry_run":1})",
        R"({"action":"hold","all":true,"ids":["0000000000001"]})"}) {
    EXPECT_EQ(ask("POST", "/api/v1/actions", bad).status, 400U) << bad;
  }
  EXPECT_EQ(ask("POST", "/api/v1/messages/0000000000001/hold", R"({"all":true})").status, 400U);
}

TEST_F(AdminApiTest, RefusesMistypedParameters) {
  for (const char* bad : {"/api/v1/recipients?provder=x", "/api/v1/recipients?count=0",
                          "/api/v1/recipients?count=1001", "/api/v1/recipients?count=x",
                          "/api/v1/recipients?state=delivered", "/api/v1/recipients?after=x",
                          "/api/v1/queue?by=color", "/api/v1/queue?rows=-1", "/api/v1/status?x",
                          "/api/v1/config?non_default=maybe"}) {
    EXPECT_EQ(ask("GET", bad).status, 400U) << bad;
  }
}

TEST_F(AdminApiTest, ShowsAndReloadsTheConfiguration) {
  EXPECT_EQ(get("/api/v1/config?non_default=1")["toml"], "mode = \"live\"\n");
  EXPECT_EQ(get("/api/v1/config")["file"], nullptr);
  const Json json = Json::parse(ask("POST", "/api/v1/config/reload").body);
  EXPECT_EQ(json["changed"], true);
  EXPECT_EQ(json["effects"].size(), 1U);
  EXPECT_EQ(port_.asked_actor, "uid 7");
  port_.failure = Error{Errc::invalid_argument, "mailweir.toml:3:1: unknown key"};
  EXPECT_EQ(problem_detail(422, ask("POST", "/api/v1/config/reload")),
            "mailweir.toml:3:1: unknown key");
}

TEST_F(AdminApiTest, SubmitsARawMessage) {
  const Response response =
      ask("POST",
          "/api/v1/"
          "messages?from=a@b.example&to=c@d.example&to=e@f.example&class="
          "notice&tenant=t&campaign=june&not_before=2026-11-22T18:00:00%2B09:00",
          "Subject: x\n\nbody\n", "message/rfc822");
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(Json::parse(response.body)["id"], "0000000000001");
  EXPECT_EQ(port_.submitted.content, "Subject: x\r\n\r\nbody\r\n");
  EXPECT_EQ(port_.submitted.envelope.recipients.at(1).mailbox.text(), "e@f.example");
  EXPECT_EQ(port_.submitted.message_class, "notice");
  EXPECT_EQ(port_.submitted.tenant, "t");
  EXPECT_EQ(port_.submitted.campaign, "june");
  EXPECT_EQ(port_.submitted.not_before, parse_rfc3339("2026-11-22T09:00:00Z"));
  EXPECT_EQ(port_.submitted.envelope.body, BodyType::seven_bit);
  EXPECT_FALSE(port_.submitted.envelope.smtputf8);
}

TEST_F(AdminApiTest, SubmitsJson) {
  const Json body = {{"from", "<>"},
                     {"to", {"c@d.example"}},
                     {"campaign", "june"},
                     {"content", "Subject: \xe6\x97\xa5\n\nbody"}};
  EXPECT_EQ(ask("POST", "/api/v1/messages", body.dump()).status, 201U);
  EXPECT_TRUE(port_.submitted.envelope.reverse_path.is_null());
  EXPECT_EQ(port_.submitted.campaign, "june");
  EXPECT_EQ(port_.submitted.envelope.body, BodyType::eight_bit_mime);
  EXPECT_TRUE(port_.submitted.envelope.smtputf8);
}

TEST_F(AdminApiTest, AnEightBitBodyNeedsNoSmtputf8) {
  ask("POST", "/api/v1/messages?from=a@b.example&to=c@d.example", "Subject: x\n\n\xe6\x97\xa5\n",
      "message/rfc822");
  EXPECT_EQ(port_.submitted.envelope.body, BodyType::eight_bit_mime);
  EXPECT_FALSE(port_.submitted.envelope.smtputf8);
}

TEST_F(AdminApiTest, RefusesSubmissionsThatAreNoMail) {
  const auto status = [this](const std::string& query, const std::string& content) {
    return ask("POST", "/api/v1/messages?" + query, content, "message/rfc822").status;
  };
  EXPECT_EQ(status("from=a@b.example&to=c@d.example", "just text\n"), 400U);
  EXPECT_EQ(status("from=a@b.example&to=c@d.example", ""), 400U);
  EXPECT_EQ(status("from=a@b.example&to=c@d.example", "A: b\nno field\n\nbody"), 400U);
  EXPECT_EQ(status("from=a@b.example&to=c@d.example", "A: b\rC: d\n"), 400U);
  EXPECT_EQ(status("from=a@b.example&to=c@d.example", std::string("A: b\n\nx\0y", 9)), 400U);
  EXPECT_EQ(status("from=a@b.example", "A: b\n"), 400U);
  EXPECT_EQ(status("to=c@d.example", "A: b\n"), 400U);
  EXPECT_EQ(status("from=a&to=c@d.example", "A: b\n"), 400U);
  EXPECT_EQ(status("from=a@b.example&to=c@d.example&clas=x", "A: b\n"), 400U);
  EXPECT_EQ(status("from=a@b.example&to=c@d.example&not_before=tomorrow", "A: b\n"), 400U);
  EXPECT_EQ(ask("POST", "/api/v1/messages", "A: b\n", "text/plain").status, 415U);
  EXPECT_EQ(ask("POST", "/api/v1/messages", "{").status, 400U);
}

TEST_F(AdminApiTest, PassesARefusalOnWithItsReply) {
  port_.refusal = Reply{452, EnhancedStatus{4, 3, 1}, "4.3.1 disk full"};
  const Response response =
      ask("POST", "/api/v1/messages?from=a@b.example&to=c@d.example", "A: b\n", "message/rfc822");
  EXPECT_THAT(problem_detail(503, response), HasSubstr("4.3.1 disk full"));
  EXPECT_EQ(Json::parse(response.body)["reply"], "452 4.3.1 disk full");
  port_.refusal.code = 552;
  EXPECT_EQ(
      ask("POST", "/api/v1/messages?from=a@b.example&to=c@d.example", "A: b\n", "message/rfc822")
          .status,
      422U);
}

TEST_F(AdminApiTest, ProbesTellAliveAndReadyApart) {
  port_.is_ready = false;
  EXPECT_EQ(ask("GET", "/healthz").status, 200U);
  const Response ready = ask("GET", "/readyz");
  EXPECT_EQ(ready.status, 503U);
  EXPECT_EQ(ready.body, "restoring the queue\n");
  port_.is_ready = true;
  EXPECT_EQ(ask("GET", "/readyz").status, 200U);
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("mailweir_queued 3"));
}

TEST_F(AdminApiTest, TheFrontPageNeedsNoScriptsAndLinksOnlyToWhatReadersMaySee) {
  const std::string page = ask("GET", "/").body;
  EXPECT_EQ(page.find("<script"), std::string::npos);
  for (std::size_t at = page.find("href=\""); at != std::string::npos;
       at = page.find("href=\"", at + 1)) {
    const std::string target = page.substr(at + 6, page.find('"', at + 6) - at - 6);
    EXPECT_EQ(ask("GET", target, "", "", Access::reader).status, 200U) << target;
  }
}

TEST_F(AdminApiTest, FailuresOfTheServerAreProblems) {
  port_.failure = Error{Errc::overloaded, "stopping"};
  EXPECT_EQ(problem_detail(503, ask("GET", "/api/v1/status")), "stopping");
  port_.failure = Error{Errc::io, ""};
  EXPECT_EQ(ask("GET", "/api/v1/queue").status, 500U);
}

}  // namespace
}  // namespace mailweir::console
