// The API about paths, asked through its routes.
#include "console/path_api.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "console/fake_admin_port.h"
#include "console/router.h"

namespace mailweir::console {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class PathApi : public ::testing::Test {
 protected:
  PathApi() { add_path_routes(router_, port_); }

  Response ask(std::string_view method, std::string_view target, std::string body = "",
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
                                 .content_type = "application/json",
                                 .body = std::move(body),
                                 .access = access,
                                 .actor = "uid 7"},
                         Responder([&answer](Response response) { answer = std::move(response); }));
    EXPECT_TRUE(answer) << target;
    return answer.value_or(Response{});
  }
  Json get(std::string_view target) {
    const Response response = ask("GET", target, "", Access::reader);
    EXPECT_EQ(response.status, 200U) << target << response.body;
    return Json::parse(response.body, nullptr, false);
  }
  Json post(std::string_view target, const Json& body, unsigned status) {
    const Response response = ask("POST", target, body.dump());
    EXPECT_EQ(response.status, status) << response.body;
    return Json::parse(response.body, nullptr, false);
  }
  std::string refused(std::string_view target, const Json& body, unsigned status = 400) {
    return post(target, body, status).value("detail", "");
  }

  FakeAdminPort port_;
  Router router_;
};

TEST_F(PathApi, AHeldPathSaysSinceWhenOnWhatAndWhatComesNext) {
  const Json path = get("/api/v1/explain?source=mx1&provider=ms365")["paths"][0];
  EXPECT_EQ(path["state"], "held");
  EXPECT_EQ(path["learned"]["since"], "2026-09-21T13:51:20.000Z");
  EXPECT_EQ(path["learned"]["next_canary"], "2026-09-21T14:15:48.000Z");
  EXPECT_EQ(path["learned"]["cause"], "throttle");
  EXPECT_EQ(path["learned"]["pace_per_s"], 4.5);
  EXPECT_EQ(path["binding"], "hold");
  EXPECT_EQ(path["next_move_forecast"], "2026-09-21T14:15:48.000Z");
  EXPECT_EQ(path["drain_forecast_s"], 80.0);
  EXPECT_EQ(path["siblings_open"], 3);
  const Json& host = path["hosts"][0];
  EXPECT_EQ(host["host"], "mx2.example.com");
  EXPECT_EQ(host["mode"], "held");
  EXPECT_EQ(host["next_canary"], path["learned"]["next_canary"]);
  EXPECT_EQ(host["last_refusal"]["failure"], "connect_timeout");
  const Json& refusal = path["last_refusal"];
  EXPECT_EQ(refusal["reply_code"], 451);
  EXPECT_THAT(refusal["reply"], HasSubstr("S77719"));
  EXPECT_EQ(refusal["rule"], "ms365/server-busy");
  EXPECT_EQ(refusal["phase"], "mail");
  EXPECT_EQ(refusal["time"], "2026-09-21T14:11:50.000Z");
  EXPECT_EQ(path["hold_began"]["time"], "2026-09-21T13:51:20.000Z");
  EXPECT_EQ(path["hold_began"]["reply_code"], 450);
  EXPECT_EQ(path["hold_began"]["suspect"],
            Json::parse(R"({"tenant":"acme","campaign":"june","share":0.62,"growth":3.5,
                            "tenant_growth":2.4,"bounced":0.2})"));
  EXPECT_EQ(path["siblings_kept_back"], 0);
}

TEST_F(PathApi, WithoutALimitThereIsNoNumber) {
  port_.open.path.learned->pace = pacing::unlimited;
  const Json list = get("/api/v1/paths?provider=ms365&count=3");
  EXPECT_EQ(list["paths_total"], 3);
  EXPECT_EQ(list["paths_held"], 1);
  EXPECT_EQ(list["paths"][1]["state"], "paused");
  EXPECT_EQ(list["paths"][1]["hands"][0]["until"], "2026-09-21T16:13:20.000Z");
  EXPECT_TRUE(list["paths"][1]["hands"][0]["source"].is_null());
  EXPECT_TRUE(list["paths"][2]["learned"]["pace_per_s"].is_null());
  EXPECT_EQ(list["paths"][2]["binding"], "message_rate_cap");
  EXPECT_TRUE(list["paths"][2]["last_refusal"].is_null());
  EXPECT_EQ(port_.asked_paths.provider, "ms365");
  EXPECT_EQ(port_.asked_paths.count, 3U);
  get("/api/v1/paths?source=*&provider=*");
  EXPECT_EQ(port_.asked_paths.source, "");
}

TEST_F(PathApi, APaceThatACapHoldsDownIsTheCapsDoing) {
  engine::PathExplanation& path = port_.open.path;
  path.next.limit = pacing::Limit::learned;
  path.next.binding = pacing::Binding::pace;
  const auto binding = [this] {
    return get("/api/v1/explain?source=mx2&provider=ms365")["paths"][0]["binding"];
  };
  path.caps.message_rate.reset();
  EXPECT_EQ(binding(), "pace");
  path.caps.message_rate = Rate{20, std::chrono::minutes(1)};
  path.learned->pace = 1.0 / 3;
  EXPECT_EQ(binding(), "message_rate_cap");
  path.learned->pace = 0.1;
  EXPECT_EQ(binding(), "pace");
}

TEST_F(PathApi, ARecipientIsExplainedWithThePathsOfItsPool) {
  const Json answer = get("/api/v1/explain?target=ken@example.com");
  EXPECT_EQ(port_.asked_target, "ken@example.com");
  EXPECT_EQ(answer["recipients"][0]["reason"], "path_held");
  EXPECT_EQ(answer["recipients"][0]["pool"], "main");
  EXPECT_EQ(answer["places"][0]["provider"], "ms365");
  EXPECT_EQ(answer["places"][0]["paths"].size(), 2U);
}

TEST_F(PathApi, WhatKeepsAPathBackBesidesItsOwnStateIsTold) {
  engine::PathExplanation& path = port_.open.path;
  path.findings = {{.cause = "ip-blocked",
                    .source = "mx2",
                    .provider = "ms365",
                    .host = {},
                    .since = port_.moment.now - std::chrono::minutes(1),
                    .found = port_.moment.now,
                    .english = "silent",
                    .japanese = "応答なし"}};
  path.unreached = engine::Unreached{
      .hops = 2, .is_all = false, .since = port_.moment.now, .next_try = port_.moment.now};
  path.cells = {{.name = "tenant acme", .learned = *path.learned, .last = {}}};
  path.is_warming = true;
  const auto open = [this] { return get("/api/v1/explain?source=mx2&provider=ms365")["paths"][0]; };
  const Json told = open();
  EXPECT_EQ(told["findings"][0]["cause"], "ip-blocked");
  EXPECT_EQ(told["findings"][0]["host"], nullptr);
  EXPECT_EQ(told["findings"][0]["since"], "2026-09-21T14:12:20.000Z");
  EXPECT_EQ(told["findings"][0]["text"], "silent");
  EXPECT_EQ(told["findings"][0]["text_ja"], "応答なし");
  EXPECT_EQ(told["unreached"]["next_hops"], 2);
  EXPECT_EQ(told["unreached"]["all"], false);
  EXPECT_EQ(told["cells"][0]["name"], "tenant acme");
  EXPECT_EQ(told["cells"][0]["slowed_until"], nullptr);
  EXPECT_EQ(told["warming"], true);
  EXPECT_EQ(told["pace"]["by"], "cap");
  path.learned->own_pace = 0.1;
  EXPECT_EQ(open()["pace"]["by"], "learned");
  EXPECT_EQ(open()["pace"]["per_s"], 0.1);
  path.learned->is_pace_learned = false;
  EXPECT_EQ(open()["pace"]["by"], "start");
  path.learned->own_pace = pacing::unlimited;
  path.caps.message_rate.reset();
  EXPECT_EQ(open()["pace"], nullptr);
}

TEST_F(PathApi, AnExplanationNeedsOneSubject) {
  for (const char* target :
       {"/api/v1/explain", "/api/v1/explain?source=mx1",
        "/api/v1/explain?target=", "/api/v1/explain?target=a@b.test&source=mx1&provider=ms365"})
    EXPECT_EQ(ask("GET", target).status, 400U) << target;
  EXPECT_EQ(ask("GET", "/api/v1/explain?source=mx9&provider=ms365").status, 404U);
}

TEST_F(PathApi, AHandIsReadWhole) {
  const Json answer = post("/api/v1/hands",
                           {{"action", "cap"},
                            {"source", "mx1"},
                            {"provider", "*"},
                            {"rate", "20/min"},
                            {"connections", 5},
                            {"for", "2h"},
                            {"reason", "they called"}},
                           201);
  EXPECT_EQ(port_.asked_hand.kind, HandOrder::Kind::cap);
  EXPECT_EQ(port_.asked_hand.source, "mx1");
  EXPECT_EQ(port_.asked_hand.provider, "");
  EXPECT_EQ(port_.asked_hand.rate, (Rate{20, std::chrono::minutes(1)}));
  EXPECT_EQ(port_.asked_hand.connections, 5U);
  EXPECT_EQ(port_.asked_hand.lasts, Duration(std::chrono::hours(2)));
  EXPECT_EQ(port_.asked_hand.actor, "uid 7");
  EXPECT_EQ(answer["hands"][0]["id"], 8);
  EXPECT_EQ(answer["hands"][0]["until"], "2026-09-21T16:13:20.000Z");
}

TEST_F(PathApi, AHandIsRefusedWithTheRemedy) {
  const Json pause = {
      {"action", "pause"}, {"source", "mx1"}, {"provider", "ms365"}, {"reason", "x"}};
  const auto with = [&pause](const char* name, const Json& value) {
    Json changed = pause;
    changed[name] = value;
    return changed;
  };
  const std::string target = "/api/v1/hands";
  EXPECT_THAT(refused(target, with("reason", "")), HasSubstr("say why"));
  EXPECT_THAT(refused(target, with("source", nullptr)), HasSubstr("\"*\" stands for every one"));
  EXPECT_THAT(refused(target, with("rate", "5/s")), HasSubstr("use cap"));
  EXPECT_THAT(refused(target, with("action", "stop")), HasSubstr("pause, cap or slow"));
  EXPECT_THAT(refused(target, with("action", "cap")), HasSubstr("needs \"rate\""));
  EXPECT_THAT(refused(target, with("for", "soon")), HasSubstr("soon"));
  EXPECT_THAT(refused(target, with("for", "400d")), HasSubstr("365d"));
  EXPECT_THAT(refused(target, with("until", "2h")), HasSubstr("unknown member \"until\""));
  EXPECT_EQ(ask("POST", target, "[]").status, 400U);
  Json slow = with("action", "slow");
  slow["connections"] = 3;
  EXPECT_THAT(refused(target, slow), HasSubstr("rate only"));
  port_.path_failure = Error{Errc::refused, "no pace is known"};
  EXPECT_THAT(refused(target, with("action", "slow"), 409), HasSubstr("no pace"));
}

TEST_F(PathApi, HandsAreTakenBackByIdOrByPath) {
  EXPECT_EQ(get("/api/v1/hands")["hands"][0]["id"], 7);
  post("/api/v1/hands/7/undo", {{"reason", "over"}}, 200);
  EXPECT_EQ(port_.asked_undo, 7U);
  EXPECT_EQ(port_.asked_order.actor, "uid 7");
  refused("/api/v1/hands/9/undo", Json::object(), 404);
  refused("/api/v1/hands/seven/undo", Json::object());
  post("/api/v1/paths/resume", {{"source", "*"}, {"provider", "google"}, {"reason", "over"}}, 200);
  EXPECT_EQ(port_.asked_order.provider, "google");
  const Json forgot = post("/api/v1/paths/forget",
                           {{"source", "mx1"}, {"provider", "ms365"}, {"reason", "moved"}}, 200);
  EXPECT_EQ(forgot["forgotten"][0]["source"], "mx1");
  EXPECT_EQ(forgot["hand"]["id"], 17);
  EXPECT_EQ(forgot["hosts"], 0);
  EXPECT_THAT(refused("/api/v1/paths/forget", {{"source", "mx1"}, {"reason", "x"}}),
              HasSubstr("are needed"));
}

TEST_F(PathApi, WhatWasForgottenIsAHandThatBindsNothing) {
  port_.known_hands = {port_.forgetting()};
  const Json hand = get("/api/v1/hands")["hands"][0];
  EXPECT_EQ(hand["action"], "forget");
  EXPECT_EQ(hand["forgotten_at"], "2026-09-21T13:13:20.000Z");
  EXPECT_EQ(hand["until"], "2026-09-28T13:13:20.000Z");
  EXPECT_EQ(hand["rate"], nullptr);
  port_.forgotten_cells = {{"sender_domain news.example", "ms365"}};
  const Json forgot = post("/api/v1/paths/forget",
                           {{"source", "*"}, {"provider", "ms365"}, {"reason", "moved"}}, 200);
  EXPECT_EQ(forgot["cells"][0]["name"], "sender_domain news.example");
  EXPECT_EQ(forgot["cells"][0]["provider"], "ms365");
  EXPECT_EQ(forgot["slowed"], Json::array());
  port_.slowed = {{"tenant acme", "ms365"}};
  EXPECT_EQ(post("/api/v1/paths/forget",
                 {{"source", "*"}, {"provider", "ms365"}, {"reason", "moved"}}, 200)["slowed"],
            (Json::array({{{"name", "tenant acme"}, {"provider", "ms365"}}})));
  EXPECT_EQ(forgot["hand"]["source"], nullptr);
  port_.open.path.hands = {port_.forgetting()};
  const Json path = get("/api/v1/explain?source=mx2&provider=ms365")["paths"][0];
  EXPECT_EQ(path["hands"][0]["action"], "forget");
  EXPECT_EQ(path["state"], "open");
  EXPECT_EQ(
      get("/api/v1/explain?source=mx2&provider=google")["paths"][0]["hands"][0]["forgotten_at"],
      nullptr);
}

TEST_F(PathApi, OnlyAnOperatorChangesAnything) {
  for (const char* target :
       {"/api/v1/hands", "/api/v1/hands/7/undo", "/api/v1/paths/resume", "/api/v1/paths/forget"})
    EXPECT_EQ(ask("POST", target, "{}", Access::reader).status, 403U) << target;
}

TEST_F(PathApi, RefusalsThatNoRuleReadsAreCounted) {
  const Json answer = get("/api/v1/refusals/unknown");
  EXPECT_EQ(answer["total"], 12);
  EXPECT_EQ(answer["refusals"][0]["sample"], "451 no 7 today");
}

}  // namespace
}  // namespace mailweir::console
