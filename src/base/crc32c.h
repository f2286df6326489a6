// CRC-32C (Castagnoli, RFC 3720 appendix B.4), with the processor's instruction where it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace mailweir {

// The checksum of `bytes`; `before` is the checksum of what precedes them (0 at the start).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace mailweir
