#include "delivery/target_policy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mailweir::delivery {
namespace {

std::string_view refusal(const TargetPolicy& policy, std::string_view text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return policy.refusal(*address);
}

TEST(TargetPolicy, RefusesWhatIsNotOnTheInternet) {
  const TargetPolicy policy({});
  for (const char* target : {"0.0.0.0",    "0.1.2.3",         "10.0.0.1",    "10.255.255.255",
                             "100.64.0.1", "127.0.0.1",       "127.255.0.1", "169.254.169.254",
                             "172.16.0.1", "172.31.255.255",  "192.168.1.1", "198.19.0.1",
                             "224.0.0.1",  "255.255.255.255", "::",          "::1",
                             "fc00::1",    "fd12::1",         "fe80::1",     "ff02::1",
                             "fec0::1"}) {
    EXPECT_NE(refusal(policy, target), "") << target;
  }
}

TEST(TargetPolicy, SeesThroughMappedAndTranslatedAddresses) {
  const TargetPolicy policy({});
  for (const char* target : {"::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::7f00:1",
                             "2002:7f00:1::1", "2002:a01:203::"}) {
    EXPECT_NE(refusal(policy, target), "") << target;
  }
}

TEST(TargetPolicy, LetsTheInternetThrough) {
  const TargetPolicy policy({});
  for (const char* target :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1",
        "172.32.0.1", "192.167.1.1", "223.255.255.255", "2a00:1450:4001::1a", "64:ff9b::808:808",
        "2002:808:808::1", "fbff::1"}) {
    EXPECT_EQ(refusal(policy, target), "") << target;
  }
}

TEST(TargetPolicy, RefusesOurselves) {
  const TargetPolicy policy({*IpAddress::parse("203.0.113.7"), *IpAddress::parse("2001:db8::7")});
  EXPECT_EQ(refusal(policy, "203.0.113.7"), "is an address of this machine");
  EXPECT_EQ(refusal(policy, "2001:db8::7"), "is an address of this machine");
  EXPECT_EQ(refusal(policy, "203.0.113.8"), "");
}

TEST(InterfaceAddresses, HoldLoopback) {
  const auto addresses = interface_addresses();
  EXPECT_NE(std::ranges::find(addresses, *IpAddress::parse("127.0.0.1")), addresses.end());
}

}  // namespace
}  // namespace mailweir::delivery
