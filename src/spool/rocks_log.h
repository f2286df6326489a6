// RocksDB's information log: two files, LOG and LOG.old, in the database's directory.
//
// Not RocksDB's own logger: in Debian's build that one aborts the process at the second line after
// a write of its file failed, hence on a full disk. Here a line that cannot be written is lost. The
// log also keeps what recovery says of records it left out, the only place where point-in-time
// recovery tells. Safe from any thread.
#pragma once

#include <rocksdb/env.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mailweir::spool {

class RocksLog final : public rocksdb::Logger {
 public:
  // Begins a new LOG in `directory`, which must exist.
  explicit RocksLog(const std::string& directory);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

  // What recovery said since the last call, for people.
  std::vector<std::string> take_dropped();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void begin_file();

  const std::string path_;
  std::mutex mutex_;
  std::unique_ptr<std::FILE, CloseFile> file_;  // null: it could not be opened
  std::size_t size_ = 0;
  std::vector<std::string> dropped_;
};

}  // namespace mailweir::spool
