// Reading the record data of DNS answers, which any stranger may have written. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/resolver.h"

namespace mailweir::runtime {

inline constexpr std::size_t dns_records_max = 50;  // of one type, in one answer

// Whether a host can bear this name: labels of letters, digits, '-' and '_' (seen in the wild), 1
// to 63 each, no '-' at a label's end, 253 in all, and a last label that is not a number (that
// would be an address in disguise).
bool is_host_name(std::string_view name);

// A name in wire format (RFC 1035 section 3.1, uncompressed) as text: lower-cased, no trailing dot,
// "" for the root. Empty when it is malformed, longer than `wire`, or holds bytes other than
// printable ASCII.
std::optional<std::string> read_wire_name(std::string_view wire);

// The data of an MX record (RFC 1035 section 3.3.9); empty when malformed or when its host is no
// host name. A host of "" stays.
std::optional<MxRecord> read_mx(std::string_view data);

// The data of an A or AAAA record as text; empty when its length fits neither.
std::optional<std::string> read_address(std::string_view data);

// Orders by preference, drops repeated hosts, and keeps "." only where it stands alone (RFC 7505
// section 3).
void normalize_mx(std::vector<MxRecord>& records);

}  // namespace mailweir::runtime
