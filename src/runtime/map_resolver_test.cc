#include "runtime/map_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace mailweir::runtime {
namespace {

class MapResolverTest : public ::testing::Test {
 protected:
  ~MapResolverTest() override { thread.join(); }

  std::variant<AddressAnswer, DnsError> find_addresses(std::string host, bool want_ipv6) {
    std::promise<std::variant<AddressAnswer, DnsError>> promise;
    resolver.find_addresses(std::move(host), want_ipv6,
                            [&](auto answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  std::variant<MxAnswer, DnsError> find_mx(std::string domain) {
    std::promise<std::variant<MxAnswer, DnsError>> promise;
    resolver.find_mx(std::move(domain), [&](auto answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }

  IoThread thread{"map-resolver"};
  MapResolver resolver{thread};
};

TEST_F(MapResolverTest, AnswersFromItsTable) {
  resolver.add_mx("a.test", {{10, "mx.a.test"}});
  resolver.add_address("mx.a.test", "192.0.2.1");
  resolver.add_address("mx.a.test", "2001:db8::1");
  EXPECT_EQ(std::get<MxAnswer>(find_mx("a.test")).records[0].host, "mx.a.test");
  EXPECT_THAT(std::get<AddressAnswer>(find_addresses("mx.a.test", true)).ipv6,
              ::testing::ElementsAre("2001:db8::1"));
  EXPECT_THAT(std::get<AddressAnswer>(find_addresses("mx.a.test", false)).ipv6,
              ::testing::IsEmpty());
}

TEST_F(MapResolverTest, TellsMissingNamesFromMissingRecordsFromFailures) {
  resolver.add_mx("a.test", {{10, "mx.a.test"}});
  resolver.add_address("six.test", "2001:db8::1");
  resolver.fail("bad.test", DnsFailure::bogus);
  EXPECT_EQ(std::get<DnsError>(find_mx("b.test")).failure, DnsFailure::no_such_domain);
  EXPECT_EQ(std::get<DnsError>(find_mx("six.test")).failure, DnsFailure::no_data);
  EXPECT_EQ(std::get<DnsError>(find_addresses("a.test", true)).failure, DnsFailure::no_data);
  EXPECT_EQ(std::get<DnsError>(find_addresses("six.test", false)).failure, DnsFailure::no_data);
  EXPECT_EQ(std::get<DnsError>(find_mx("bad.test")).failure, DnsFailure::bogus);
}

}  // namespace
}  // namespace mailweir::runtime
