#include "console/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mailweir::console {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ParseTarget, SplitsPathAndQueryAndDecodesTheQueryOnly) {
  const auto target = parse_target("/a%20b?to=a%2Bb%40x&to=c+d&flag&=v&&e=");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a%20b");
  EXPECT_THAT(target->query, ElementsAre(Pair("to", "a+b@x"), Pair("to", "c d"), Pair("flag", ""),
                                         Pair("", "v"), Pair("e", "")));
}

TEST(ParseTarget, RefusesBrokenEscapesNulAndOtherForms) {
  for (const char* bad :
       {"/?a=%", "/?a=%4", "/?a=%zz", "/?a=%00", "", "*", "http://localhost/", "localhost:80"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

TEST(ParseTarget, BoundsTheNumberOfFields) {
  std::string query = "/?a";
  for (int i = 0; i < 1999; ++i) query += "&a";
  EXPECT_TRUE(parse_target(query));
  EXPECT_FALSE(parse_target(query + "&a"));
}

TEST(PercentEncode, IsUndoneByDecode) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(percent_decode(percent_encode(all), true).value(), all);
}

TEST(Problem, IsProblemDetailsWithTheStatusOfItsError) {
  const Response response = problem(Error{Errc::not_found, "no message 1\xff"});
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto json = nlohmann::json::parse(response.body);
  EXPECT_EQ(json["status"], 404);
  EXPECT_EQ(json["title"], "Not Found");
  EXPECT_EQ(json["detail"], "no message 1\xef\xbf\xbd");
}

TEST(Responder, AnswersOnceAndTellsWhenItIsDropped) {
  std::vector<unsigned> answers;
  {
    const Responder respond(
        [&answers](const Response& response) { answers.push_back(response.status); });
    const Responder copy = respond;
    copy(Response{});
  }
  EXPECT_THAT(answers, ElementsAre(200U));
  {
    const Responder dropped(
        [&answers](const Response& response) { answers.push_back(response.status); });
  }
  EXPECT_THAT(answers, ElementsAre(200U, 500U));
}

}  // namespace
}  // namespace mailweir::console
