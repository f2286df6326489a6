// How the spool wants RocksDB: every setting that is not the library's default, with its reason.
#pragma once

#include <rocksdb/options.h>

#include <array>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace mailweir::spool {

// The column families, in the order in which they are opened.
enum class Family : std::uint8_t { system, message, body, state };
inline constexpr std::size_t family_count = 4;
inline constexpr std::array<std::string_view, family_count> family_names = {"default", "msg",
                                                                            "body", "st"};

inline constexpr int buffers_max = 3;  // write buffers of a family, in use or waiting to be flushed

rocksdb::DBOptions database_settings();
// The settings of `family` out of a budget shared by all.
rocksdb::ColumnFamilyOptions family_settings(Family family, ByteCount memory_budget,
                                             const std::shared_ptr<rocksdb::Cache>& cache);
std::shared_ptr<rocksdb::Cache> block_cache(ByteCount memory_budget);

// What a RocksDB status means to a caller. Not for an ok status.
Error to_error(const rocksdb::Status& status, std::string_view doing);

}  // namespace mailweir::spool
