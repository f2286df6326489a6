#include "console/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "console/host_guard.h"

namespace mailweir::console {
namespace {

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    const Handler none = [](const Request&, const Responder& respond) { respond({}); };
    router_.add(Method::get, "/", Access::reader, none);
    router_.add(Method::get, "/messages/{id}", Access::reader, none);
    router_.add(Method::post, "/messages/{id}", Access::operator_only, none, 5);
    router_.add(Method::post, "/messages/{id}/hold", Access::operator_only, none, 7);
  }

  unsigned status(std::string_view method, std::string_view path,
                  Access access = Access::operator_only) const {
    const auto found = router_.find(method, path, access);
    const auto* response = std::get_if<Response>(&found);
    return response == nullptr ? 200 : response->status;
  }

  Router router_;
};

TEST_F(RouterTest, FindsByMethodAndPathAndDecodesParameters) {
  const auto found = router_.find("POST", "/messages/a%2Fb/hold", Access::operator_only);
  const auto& match = std::get<RouteMatch>(found);
  EXPECT_EQ(match.route->body_max, 7U);
  EXPECT_THAT(match.path_parameters, testing::ElementsAre(testing::Pair("id", "a/b")));
}

TEST_F(RouterTest, HeadFindsTheGetRoute) {
  EXPECT_EQ(status("HEAD", "/"), 200U);
}

TEST_F(RouterTest, AnswersWhatItCannotFind) {
  EXPECT_EQ(status("GET", "/none"), 404U);
  EXPECT_EQ(status("GET", "/messages"), 404U);
  EXPECT_EQ(status("GET", "/messages/"), 404U);
  EXPECT_EQ(status("GET", "/messages/x/"), 404U);
  EXPECT_EQ(status("GET", "//"), 404U);
  EXPECT_EQ(status("GET", "/messages/%zz"), 400U);
}

TEST_F(RouterTest, NamesTheMethodsThatWouldDo) {
  const auto found = router_.find("DELETE", "/messages/x", Access::operator_only);
  const auto& response = std::get<Response>(found);
  EXPECT_EQ(response.status, 405U);
  EXPECT_THAT(response.headers, testing::Contains(testing::Pair("Allow", "GET, HEAD, POST")));
  EXPECT_EQ(status("GET", "/messages/x/hold"), 405U);
  EXPECT_EQ(status("get", "/"), 405U);
}

TEST_F(RouterTest, KeepsReadersFromOperatorRoutes) {
  EXPECT_EQ(status("POST", "/messages/x/hold", Access::reader), 403U);
  EXPECT_EQ(status("GET", "/messages/x", Access::reader), 200U);
}

TEST_F(RouterTest, KnowsTheLargestBody) {
  EXPECT_EQ(router_.body_max(), body_max_default);
}

TEST(HostGuard, AllowsAddressesAndNamesOfThisServerOnly) {
  const std::vector<std::string> names = {"mx.example"};
  for (const char* good : {"localhost", "LocalHost:8025", "127.0.0.1", "127.9.9.9:80", "[::1]",
                           "[::1]:8025", "MX.example:1", "[2001:db8::2]", "192.0.2.1:8025"}) {
    EXPECT_TRUE(is_host_allowed(good, names)) << good;
  }
  for (const char* bad : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                          "[::1", "mx.example.evil", "localhost@evil"}) {
    EXPECT_FALSE(is_host_allowed(bad, names)) << bad;
  }
}

}  // namespace
}  // namespace mailweir::console
