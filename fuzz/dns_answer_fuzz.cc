// Record data of DNS answers: what is read is a possible host name, or nothing.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "runtime/dns_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailweir::runtime;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto record = read_mx(bytes))
    WEIR_ASSERT(record->host.empty() || is_host_name(record->host));
  if (const auto name = read_wire_name(bytes)) WEIR_ASSERT(name->size() <= 255);
  static_cast<void>(read_address(bytes));

  std::vector<MxRecord> records;
  for (std::size_t at = 0; at + 8 <= size && records.size() < 100; at += 8) {
    if (auto record = read_mx(bytes.substr(at))) records.push_back(std::move(*record));
  }
  const std::size_t before = records.size();
  normalize_mx(records);
  WEIR_ASSERT(records.size() <= dns_records_max && records.size() <= before);
  return 0;
}
