// Resolver is the port to DNS. Bounded answers, CNAME limits and validation are the adapter's duty
// (UnboundResolver).
//
// Callbacks run on a thread of the resolver's choosing, exactly once each, never from inside the
// call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"

namespace mailweir::runtime {

enum class DnsFailure : std::uint8_t {
  no_such_domain,
  no_data,
  temporary,
  bogus,
  cancelled,  // never asked to the end: the resolver stops
};

struct DnsError {
  DnsFailure failure = DnsFailure::temporary;
  std::string detail;  // for a person: name, type, what happened
};

struct MxRecord {
  std::uint16_t preference = 0;
  std::string host;  // lower-cased, no trailing dot; "" for the null MX (RFC 7505)
};

struct MxAnswer {
  std::vector<MxRecord> records;  // by preference; at most 50
  Duration time_to_live{};
  bool is_secure = false;  // DNSSEC validated
};

struct AddressAnswer {
  std::vector<std::string> ipv4;  // textual; at most 50 of each
  std::vector<std::string> ipv6;
  Duration time_to_live{};
  bool is_secure = false;
};

class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual void find_mx(std::string domain,
                       std::function<void(std::variant<MxAnswer, DnsError>)> done) = 0;
  // `no_data` only if neither an A nor (when `want_ipv6`) an AAAA record exists.
  virtual void find_addresses(std::string host, bool want_ipv6,
                              std::function<void(std::variant<AddressAnswer, DnsError>)> done) = 0;
};

}  // namespace mailweir::runtime
