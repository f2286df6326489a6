// Reads the whole spool once, in id order, and goes round what cannot be read.
#pragma once

#include <rocksdb/db.h>

#include <functional>

#include "base/result.h"
#include "spool/spool.h"

namespace mailweir::spool {

// Merges the families `messages` and `states` of `db`; contract as Spool::scan.
Result<void> scan_families(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* messages,
                           rocksdb::ColumnFamilyHandle* states,
                           const std::function<bool(Recovered&&)>& visit,
                           const std::function<void(MessageId, const Error&)>& on_corrupt);

}  // namespace mailweir::spool
