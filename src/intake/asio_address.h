// IpAddress as Asio has it, and back. For files that hold sockets.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>

#include "base/networks.h"

namespace mailweir::intake {

inline boost::asio::ip::address to_asio(const IpAddress& address) {
  if (address.is_ipv4())
    return boost::asio::ip::address_v4(static_cast<std::uint32_t>(address.low()));
  boost::asio::ip::address_v6::bytes_type bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(address.high() >> (56 - 8 * i));
    bytes[8 + i] = static_cast<unsigned char>(address.low() >> (56 - 8 * i));
  }
  return boost::asio::ip::address_v6(bytes);
}

inline IpAddress from_asio(const boost::asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::from_ipv4(address.to_v4().to_uint());
  return IpAddress::from_ipv6(address.to_v6().to_bytes());
}

}  // namespace mailweir::intake
