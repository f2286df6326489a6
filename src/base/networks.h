// IP addresses and the networks they lie in, as an operator writes them: "192.0.2.7", "10.0.0.0/8",
// "2001:db8::/32".
//
// An IPv4 address in IPv6 clothes (::ffff:192.0.2.7, RFC 4291 section 2.5.5.2) is the IPv4 address;
// "::/0" holds no IPv4 address. Values; safe to read from any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mailweir {

class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0

  // "192.0.2.7" or "2001:db8::1"; no brackets, no zone.
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress from_ipv4(std::uint32_t host_order);
  // Network order, as in `sockaddr_in6`.
  static IpAddress from_ipv6(const std::array<std::uint8_t, 16>& bytes);

  bool is_ipv4() const { return is_ipv4_; }
  bool is_loopback() const;                     // 127.0.0.0/8, ::1
  bool is_unspecified() const;                  // 0.0.0.0, ::
  std::uint64_t high() const { return high_; }  // the upper 64 bits of IPv6; 0 for IPv4
  std::uint64_t low() const { return low_; }    // the lower 64 bits, or the IPv4 address

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool is_ipv4_ = true;
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

std::string to_string(const IpAddress& address);

// All addresses that share the first `prefix_length` bits.
class Network {
 public:
  // "10.0.0.0/8", or a bare address, which is a network of one. Bits behind the prefix must be
  // zero.
  static Result<Network> parse(std::string_view text);

  const IpAddress& first() const { return first_; }
  IpAddress last() const;
  std::uint8_t prefix_length() const { return prefix_length_; }  // 0 … 32, or 0 … 128

  friend bool operator==(const Network&, const Network&) = default;

 private:
  IpAddress first_;
  std::uint8_t prefix_length_ = 32;
};

std::string to_string(const Network& network);

// A set of networks; contains() is a binary search and allocates nothing.
class Networks {
 public:
  Networks() = default;  // holds no address
  explicit Networks(std::vector<Network> entries);
  // The error names the first entry that is none.
  static Result<Networks> parse(std::span<const std::string> texts);

  bool contains(const IpAddress& address) const;
  bool contains(std::string_view address) const;  // false for what is no address
  bool empty() const { return entries_.empty(); }
  const std::vector<Network>& entries() const { return entries_; }  // as given

  friend bool operator==(const Networks& a, const Networks& b) { return a.entries_ == b.entries_; }

 private:
  std::vector<Network> entries_;
  std::vector<std::pair<IpAddress, IpAddress>> ranges_;  // first and last; sorted, disjoint
};

// Where to listen or connect: "127.0.0.1:2525", "[::1]:2525". Port 0 asks the system for a free
// one.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

}  // namespace mailweir
