#include "base/networks.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace mailweir {
namespace {

constexpr std::uint64_t mapped_prefix = 0x0000'FFFF;  // ::ffff:0:0/96

// The bits behind the first `length` of 64.
constexpr std::uint64_t host_bits(unsigned length) {
  return length >= 64 ? 0 : ~std::uint64_t{0} >> length;
}

std::uint64_t read_big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void write_big_endian(std::uint64_t value, std::uint8_t* bytes) {
  for (int i = 7; i >= 0; --i) {
    bytes[i] = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, errc] = std::from_chars(text.data(), end, value);
  if (errc != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

IpAddress IpAddress::from_ipv4(std::uint32_t host_order) {
  IpAddress address;
  address.low_ = host_order;
  return address;
}

IpAddress IpAddress::from_ipv6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress address;
  address.high_ = read_big_endian(bytes.data());
  address.low_ = read_big_endian(bytes.data() + 8);
  address.is_ipv4_ = address.high_ == 0 && address.low_ >> 32 == mapped_prefix;
  if (address.is_ipv4_) address.low_ &= 0xFFFF'FFFF;
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN + 1> terminated{};
  if (text.size() < terminated.size() && !text.contains('\0')) {
    std::ranges::copy(text, terminated.begin());
    in_addr ipv4{};
    if (inet_pton(AF_INET, terminated.data(), &ipv4) == 1) return from_ipv4(ntohl(ipv4.s_addr));
    std::array<std::uint8_t, 16> ipv6{};
    if (inet_pton(AF_INET6, terminated.data(), ipv6.data()) == 1) return from_ipv6(ipv6);
  }
  return fail(
      Errc::invalid_argument,
      fmt::format(R"("{}" is not an IP address; write it as "192.0.2.7" or "2001:db8::1")", text));
}

bool IpAddress::is_loopback() const {
  return is_ipv4_ ? low_ >> 24 == 127 : high_ == 0 && low_ == 1;
}

bool IpAddress::is_unspecified() const {
  return high_ == 0 && low_ == 0;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.is_ipv4()) {
    const in_addr ipv4{htonl(static_cast<std::uint32_t>(address.low()))};
    return inet_ntop(AF_INET, &ipv4, text.data(), text.size());
  }
  std::array<std::uint8_t, 16> bytes{};
  write_big_endian(address.high(), bytes.data());
  write_big_endian(address.low(), bytes.data() + 8);
  return inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
}

namespace {

IpAddress from_words(bool is_ipv4, std::uint64_t high, std::uint64_t low) {
  if (is_ipv4) return IpAddress::from_ipv4(static_cast<std::uint32_t>(low));
  std::array<std::uint8_t, 16> bytes{};
  write_big_endian(high, bytes.data());
  write_big_endian(low, bytes.data() + 8);
  return IpAddress::from_ipv6(bytes);
}

// The bits of `address` that a prefix of this length leaves free: upper and lower word.
std::pair<std::uint64_t, std::uint64_t> free_bits(bool is_ipv4, unsigned prefix_length) {
  if (is_ipv4) return {0, host_bits(32 + prefix_length)};
  return {host_bits(std::min(prefix_length, 64U)),
          host_bits(prefix_length > 64 ? prefix_length - 64 : 0)};
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  auto address = IpAddress::parse(address_text);
  if (!address) {
    return fail(
        Errc::invalid_argument,
        fmt::format(
            R"("{}" is not a network; write it as "192.0.2.0/24", "2001:db8::/32" or one address)",
            text));
  }
  Network network;
  network.first_ = *address;
  network.prefix_length_ = address->is_ipv4() ? 32 : 128;
  if (slash == std::string_view::npos) return network;

  // A prefix written on ::ffff:a.b.c.d counts 96 bits that the IPv4 address does not have.
  const unsigned hidden = address->is_ipv4() && address_text.contains(':') ? 96 : 0;
  const auto length = whole_number<unsigned>(text.substr(slash + 1));
  if (!length || *length < hidden || *length - hidden > network.prefix_length_) {
    return fail(Errc::invalid_argument,
                fmt::format(R"("{}": the prefix length must be a whole number from {} to {})", text,
                            hidden, hidden + network.prefix_length_));
  }
  network.prefix_length_ = static_cast<std::uint8_t>(*length - hidden);
  const auto [high, low] = free_bits(address->is_ipv4(), network.prefix_length_);
  network.first_ = from_words(address->is_ipv4(), address->high() & ~high, address->low() & ~low);
  if (network.first_ != *address) {
    return fail(Errc::invalid_argument,
                fmt::format(R"("{}" has bits behind its prefix; did you mean "{}"?)", text,
                            to_string(network)));
  }
  return network;
}

IpAddress Network::last() const {
  const auto [high, low] = free_bits(first_.is_ipv4(), prefix_length_);
  return from_words(first_.is_ipv4(), first_.high() | high, first_.low() | low);
}

std::string to_string(const Network& network) {
  return fmt::format("{}/{}", to_string(network.first()), network.prefix_length());
}

Networks::Networks(std::vector<Network> entries) : entries_(std::move(entries)) {
  for (const Network& network : entries_) ranges_.emplace_back(network.first(), network.last());
  std::ranges::sort(ranges_);
  std::vector<std::pair<IpAddress, IpAddress>> merged;
  for (const auto& range : ranges_) {
    // Networks nest or are apart, they never overlap in part; so a range that starts inside its
    // predecessor lies in it.
    if (!merged.empty() && range.first <= merged.back().second) continue;
    merged.push_back(range);
  }
  ranges_ = std::move(merged);
}

Result<Networks> Networks::parse(std::span<const std::string> texts) {
  std::vector<Network> entries;
  for (const std::string& text : texts) {
    WEIR_TRY(Network network, Network::parse(text));
    entries.push_back(network);
  }
  return Networks(std::move(entries));
}

bool Networks::contains(const IpAddress& address) const {
  const auto behind =
      std::ranges::upper_bound(ranges_, address, {}, [](const auto& range) { return range.first; });
  return behind != ranges_.begin() && address <= std::prev(behind)->second;
}

bool Networks::contains(std::string_view address) const {
  if (ranges_.empty()) return false;
  const auto parsed = IpAddress::parse(address);
  return parsed && contains(*parsed);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto port = colon == std::string_view::npos
                        ? std::nullopt
                        : whole_number<std::uint16_t>(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!port || !address || is_bracketed != host.contains(':')) {
    return fail(
        Errc::invalid_argument,
        fmt::format(
            R"("{}" is not an address with a port; write it as "127.0.0.1:2525" or "[::1]:2525")",
            text));
  }
  return Endpoint{*address, *port};
}

std::string to_string(const Endpoint& endpoint) {
  const std::string address = to_string(endpoint.address);
  return endpoint.address.is_ipv4() ? fmt::format("{}:{}", address, endpoint.port)
                                    : fmt::format("[{}]:{}", address, endpoint.port);
}

}  // namespace mailweir
