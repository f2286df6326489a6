#include "cli/http_client.h"

#include <gtest/gtest.h>

#include "cli/language.h"
#include "cli/query.h"

namespace mailweir::cli {
namespace {

TEST(ParseAnswer, TakesAWholeResponse) {
  const auto answer =
      parse_answer("HTTP/1.1 404 Not Found\r\nContent-Type: x\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404U);
  EXPECT_EQ(answer->body, "abc");
}

TEST(ParseAnswer, RefusesWhatIsCutShortOrNoHttp) {
  for (const char* bad :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nabc",
        "220 mx.example ESMTP\r\n\r\n", "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"}) {
    EXPECT_FALSE(parse_answer(bad)) << bad;
  }
}

TEST(CallServer, SaysWhyNobodyAnswers) {
  const auto answer = call_server("/nonexistent/mailweir.sock", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::closed);
  EXPECT_EQ(answer.error().context, "No such file or directory");
  EXPECT_EQ(call_server(std::string(300, 'x'), {}).error().code, Errc::closed);
}

TEST(Query, EncodesItsValues) {
  Query query;
  query.add("to", "a+b@例.example");
  query.add_if("class", "");
  query.add("n", "1");
  EXPECT_EQ(query.target("/x"), "/x?to=a%2Bb%40%E4%BE%8B.example&n=1");
}

TEST(Language, FollowsTheLocale) {
  EXPECT_EQ(language_of_locale("ja_JP.UTF-8"), Language::japanese);
  EXPECT_EQ(language_of_locale("ja"), Language::japanese);
  EXPECT_EQ(language_of_locale("C"), Language::english);
  EXPECT_EQ(language_of_locale(""), Language::english);
}

}  // namespace
}  // namespace mailweir::cli
