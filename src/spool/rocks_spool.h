// The RocksSpool keeps accepted mail in RocksDB: one synced write batch for each CommitBatch.
//
// Column families msg, body, st, sys as docs/queue-format.md describes; why RocksDB, and why these
// settings: docs/adr/0002. One process at a time owns a spool directory. When the disk is full it
// refuses new mail, gives its ballast file back so that removals and reads go on, and accepts again
// by itself once there is room. After an `io` error it refuses every commit: end the process
// (docs/adr/0003), do not destroy and reopen it.
//
// Threading: as Spool says. While scan() runs, its `visit` must not call commit(): after a full
// disk a commit may have to wait for the readers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "spool/spool.h"

namespace rocksdb {
class Env;
}

namespace mailweir::spool {

struct SpaceUse;  // rocks_space.h

struct RocksSpoolOptions {
  std::string path;  // of its directory; made when missing, its parent must exist
  // What write buffers and caches may take together at the worst; about half of it is usual.
  ByteCount memory_budget{128ULL * 1024 * 1024};
  // Below this much free space mail is refused. Unset: 5 % of the disk, at most 2 GiB.
  std::optional<ByteCount> min_free;
  // Reserved in a file, to be given back when the disk is full. Unset: 1/16 of the disk, at most
  // 1 GiB. Zero: none.
  std::optional<ByteCount> ballast;
  // Dead bytes of removed mail that may stay on the disk; more only while there is more mail than
  // that, less while mail is refused for want of space.
  ByteCount dead_max{256ULL * 1024 * 1024};
  // Called on a thread of the spool's own after it collected dead bytes; must not call the spool.
  std::function<void(const SpaceUse&)> on_collected;
  // The device, for tests that let it fail; outlives the spool. Null: the real one.
  rocksdb::Env* env = nullptr;
};

class RocksSpool final : public Spool {
 public:
  // Fails with `refused` when another process owns the directory or its file system is mounted
  // without write barriers, `corrupt` or `io` when RocksDB cannot recover it.
  static Result<std::unique_ptr<RocksSpool>> open(RocksSpoolOptions options);
  ~RocksSpool() override;

  Result<void> commit(const CommitBatch& batch) override;
  Result<StoredMessage> read_message(MessageId id) const override;
  Result<Content> read_content(const StoredMessage& message) const override;
  Result<std::optional<RecipientState>> read_state(MessageId id,
                                                   std::uint16_t recipient) const override;
  Result<std::optional<std::string>> read_system(std::string_view key) const override;
  Result<void> scan_system(
      std::string_view prefix,
      const std::function<void(std::string_view, std::string_view)>& visit) const override;
  Result<void> scan(const std::function<bool(Recovered&&)>& visit,
                    const std::function<void(MessageId, const Error&)>& on_corrupt) const override;
  MessageId next_id() const override;
  Usage usage() const override;

  // What an operator should know, said once, at start-up: a file system that may not keep what is
  // synced, a log whose end could not be read (as after a power cut; what was synced is in front).
  const std::vector<std::string>& warnings() const;

 private:
  struct State;
  explicit RocksSpool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::spool
