// For tests: a MemorySpool whose commits can be waited for, stopped half-way, and cut off as by the
// death of the process.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "spool/memory_spool.h"

namespace mailweir::relay::testing {

class WatchedSpool final : public spool::Spool {
 public:
  spool::MemorySpool memory;
  std::string unscannable;  // scans below this prefix fail; set while no process runs

  Result<void> commit(const spool::CommitBatch& batch) override;
  Result<StoredMessage> read_message(MessageId id) const override {
    return memory.read_message(id);
  }
  Result<spool::Content> read_content(const StoredMessage& message) const override {
    return memory.read_content(message);
  }
  Result<std::optional<RecipientState>> read_state(MessageId id,
                                                   std::uint16_t recipient) const override {
    return memory.read_state(id, recipient);
  }
  Result<std::optional<std::string>> read_system(std::string_view key) const override {
    return memory.read_system(key);
  }
  Result<void> scan_system(
      std::string_view prefix,
      const std::function<void(std::string_view, std::string_view)>& visit) const override {
    if (!unscannable.empty() && prefix.starts_with(unscannable))
      return fail(Errc::io, "the disk does not answer");
    return memory.scan_system(prefix, visit);
  }
  Result<void> scan(const std::function<bool(spool::Recovered&&)>& visit,
                    const std::function<void(MessageId, const Error&)>& on_corrupt) const override {
    return memory.scan(visit, on_corrupt);
  }
  MessageId next_id() const override { return memory.next_id(); }
  spool::Usage usage() const override { return memory.usage(); }

  // Waits, twenty seconds at most, until `holds` does; asked again after each commit. False when it
  // never did.
  bool wait_until(const std::function<bool()>& holds);
  bool wait_until_gone(MessageId id);
  bool wait_until_empty();
  bool wait_for_state(MessageId id, std::uint16_t recipient,
                      const std::function<bool(const RecipientState&)>& is_wanted);

  // The next commits wait before they begin, until open().
  void shut();
  void open();
  bool wait_for_commit_at_gate();

  // After `commits` further ones nothing is stored any more: the process is dead, though its
  // threads do not know. Then revive() makes it the spool of the next process.
  void cut_after(std::uint64_t commits);
  bool wait_until_cut();
  void revive();

  // How many commits failed for want of room.
  std::uint64_t refused() const;
  bool wait_until_refused(std::uint64_t count);
  // Every batch that was stored.
  std::vector<spool::CommitBatch> commits() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<spool::CommitBatch> commits_;
  bool is_shut_ = false;
  bool is_at_gate_ = false;
  bool is_cut_ = false;
  std::uint64_t commits_left_ = UINT64_MAX;
  std::uint64_t refused_ = 0;
};

}  // namespace mailweir::relay::testing
