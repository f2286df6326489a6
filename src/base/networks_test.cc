#include "base/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailweir {
namespace {

using ::testing::HasSubstr;

Networks networks(std::vector<std::string> texts) {
  auto parsed = Networks::parse(texts);
  EXPECT_TRUE(parsed) << parsed.error().context;
  return parsed.value_or(Networks{});
}

TEST(IpAddress, PrintsWhatItParsed) {
  for (const char* text : {"192.0.2.7", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::1", "::"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* text :
       {"", "192.0.2", "192.0.2.256", "192.0.2.07x", "2001:db8::1%eth0", "[::1]", "host.example",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("127.0.0.1\0", 10)));
}

TEST(IpAddress, MappedIpv4IsTheIpv4Address) {
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.7").value(), IpAddress::parse("192.0.2.7").value());
  EXPECT_TRUE(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("0.0.0.1")->is_loopback());
}

TEST(Network, EndsAtTheLastAddressOfItsPrefix) {
  EXPECT_EQ(to_string(Network::parse("10.0.0.0/8")->last()), "10.255.255.255");
  EXPECT_EQ(to_string(Network::parse("0.0.0.0/0")->last()), "255.255.255.255");
  EXPECT_EQ(to_string(Network::parse("192.0.2.7")->last()), "192.0.2.7");
  EXPECT_EQ(to_string(Network::parse("2001:db8::/32")->last()),
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(to_string(Network::parse("2001:db8::8/125")->last()), "2001:db8::f");
  EXPECT_EQ(to_string(Network::parse("::ffff:10.0.0.0/104").value()), "10.0.0.0/8");
}

TEST(Network, NamesTheRepairOfStrayBits) {
  const auto network = Network::parse("10.1.2.3/8");
  ASSERT_FALSE(network);
  EXPECT_THAT(network.error().context, HasSubstr(R"(did you mean "10.0.0.0/8")"));
}

TEST(Network, RefusesImpossiblePrefixes) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129",
                           "::ffff:10.0.0.0/95", "/8", "example.com/8"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

TEST(Networks, ContainExactlyTheirAddresses) {
  const Networks set =
      networks({"10.0.0.0/8", "192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32", "::1"});
  for (const char* inside :
       {"10.0.0.0", "10.255.255.255", "192.0.2.0", "192.0.2.200", "192.0.2.255",
        "2001:db8::", "2001:db8:ffff::1", "::1", "::ffff:10.2.3.4"}) {
    EXPECT_TRUE(set.contains(inside)) << inside;
  }
  for (const char* outside : {"9.255.255.255", "11.0.0.0", "192.0.1.255", "192.0.3.0",
                              "2001:db7::1", "2001:db9::", "::2", "::", "0.0.0.1", "nonsense"}) {
    EXPECT_FALSE(set.contains(outside)) << outside;
  }
}

TEST(Networks, AllOfIpv6HoldsNoIpv4) {
  EXPECT_FALSE(networks({"::/0"}).contains("192.0.2.1"));
  EXPECT_TRUE(networks({"::/0"}).contains("2001:db8::1"));
  EXPECT_FALSE(networks({"0.0.0.0/0"}).contains("2001:db8::1"));
  EXPECT_FALSE(Networks{}.contains("127.0.0.1"));
}

TEST(Endpoint, NeedsBracketsAroundIpv6) {
  EXPECT_EQ(to_string(parse_endpoint("127.0.0.1:2525").value()), "127.0.0.1:2525");
  EXPECT_EQ(to_string(parse_endpoint("[::1]:25").value()), "[::1]:25");
  for (const char* text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:25", "[127.0.0.1]:25",
                           ":25", "", "[]:1", "localhost:25", "127.0.0.1:+5"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

}  // namespace
}  // namespace mailweir
