#include "delivery/target_policy.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace mailweir::delivery {
namespace {

struct Forbidden {
  std::string_view network;
  std::string_view why;
};

// RFC 6890 and its registries; documentation prefixes are left out, they harm nobody.
constexpr Forbidden forbidden[] = {
    {"0.0.0.0/8", "is no host address"},        {"10.0.0.0/8", "is a private address"},
    {"100.64.0.0/10", "is a private address"},  {"127.0.0.0/8", "is loopback"},
    {"169.254.0.0/16", "is link-local"},        {"172.16.0.0/12", "is a private address"},
    {"192.168.0.0/16", "is a private address"}, {"198.18.0.0/15", "is a private address"},
    {"224.0.0.0/4", "is a multicast address"},  {"240.0.0.0/4", "is a reserved address"},
    {"::/128", "is no host address"},           {"::1/128", "is loopback"},
    {"fc00::/7", "is a private address"},       {"fe80::/10", "is link-local"},
    {"fec0::/10", "is a private address"},      {"ff00::/8", "is a multicast address"},
};

bool contains(const Network& network, const IpAddress& address) {
  return address.is_ipv4() == network.first().is_ipv4() && network.first() <= address &&
         address <= network.last();
}

const std::vector<std::pair<Network, std::string_view>> parse_forbidden() {
  std::vector<std::pair<Network, std::string_view>> parsed;
  for (const auto& [text, why] : forbidden) {
    auto network = Network::parse(text);
    WEIR_ASSERT(network.has_value());
    parsed.emplace_back(*network, why);
  }
  return parsed;
}

// Addresses that carry an IPv4 address to a translator or tunnel: NAT64 (RFC 6052) and 6to4 (RFC
// 3056).
IpAddress unwrap(const IpAddress& address) {
  if (address.is_ipv4()) return address;
  if (address.high() == 0x0064'ff9b'0000'0000ULL) {
    return IpAddress::from_ipv4(static_cast<std::uint32_t>(address.low()));
  }
  if (address.high() >> 48 == 0x2002) {
    return IpAddress::from_ipv4(static_cast<std::uint32_t>(address.high() >> 16));
  }
  return address;
}

}  // namespace

TargetPolicy::TargetPolicy(std::vector<IpAddress> own) : own_(std::move(own)) {
  std::ranges::sort(own_);
}

std::string_view TargetPolicy::refusal(const IpAddress& target) const {
  static const auto networks = parse_forbidden();
  const IpAddress inner = unwrap(target);
  for (const auto& [network, why] : networks) {
    if (contains(network, target) || contains(network, inner)) return why;
  }
  if (std::ranges::binary_search(own_, target)) return "is an address of this machine";
  return {};
}

std::vector<IpAddress> interface_addresses() {
  std::vector<IpAddress> addresses;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return addresses;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, entry->ifa_addr, sizeof v4);
      addresses.push_back(IpAddress::from_ipv4(ntohl(v4.sin_addr.s_addr)));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, entry->ifa_addr, sizeof v6);
      std::array<std::uint8_t, 16> bytes;
      std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
      addresses.push_back(IpAddress::from_ipv6(bytes));
    }
  }
  ::freeifaddrs(first);
  return addresses;
}

}  // namespace mailweir::delivery
