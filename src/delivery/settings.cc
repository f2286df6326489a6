#include "delivery/settings.h"

#include <utility>

namespace mailweir::delivery {
namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> parse(const std::string& text) {
  boost::system::error_code error;
  const auto address = ip::make_address(text, error);
  return error ? std::nullopt : std::optional(address);
}

Source make_source(const engine::EgressAddress& address, bool use_ipv6) {
  Source source;
  source.ehlo_name = address.ehlo_name;
  source.ipv4 = parse(address.ipv4);
  source.ipv6 = parse(address.ipv6);
  // A source with an address speaks from that address only: mail over another family would leave
  // from an IP that nobody chose.
  const bool is_free = address.ipv4.empty() && address.ipv6.empty();
  source.speaks_ipv4 = is_free || source.ipv4.has_value();
  source.speaks_ipv6 = use_ipv6 && (is_free || source.ipv6.has_value());
  return source;
}

std::vector<IpAddress> own_addresses(const DeliveryOptions& options) {
  std::vector<IpAddress> own = interface_addresses();
  for (const auto& source : options.sources) {
    for (const std::string& text : {source.ipv4, source.ipv6}) {
      if (const auto address = IpAddress::parse(text)) own.push_back(*address);
    }
  }
  return own;
}

}  // namespace

Settings::Settings(DeliveryOptions given)
    : options(std::move(given)), targets(own_addresses(options)) {
  for (const auto& address : options.sources) {
    sources.push_back(make_source(address, options.use_ipv6));
  }
}

}  // namespace mailweir::delivery
