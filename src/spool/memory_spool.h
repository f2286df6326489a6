// The MemorySpool keeps mail in memory as a disk would, and can crash, fail and lie like one.
//
// For simulations and tests: the same contract as RocksSpool, every fault on demand. Records pass
// through the same encoding. Threading as Spool says; the faults may be set from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "spool/spool.h"

namespace mailweir::spool {

class MemorySpool final : public Spool {
 public:
  MemorySpool() = default;

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

  // A power cut and a restart: what was not synced is gone, a broken spool works again.
  void crash();
  // Lets the commit after `commits_before` further ones fail, once. With `no_space` nothing of it
  // is stored. With `io` its bytes are readable until the next crash, as the page cache shows them,
  // and every later commit fails until then.
  void fail_commit(std::uint64_t commits_before, Errc code);
  // While full, commits that accept mail fail with `no_space`; others work.
  void set_full(bool full);
  // While lying, commits succeed without being synced: the negative control of durability tests.
  void set_lying(bool lying);
  // Inverts the lowest bit of one stored byte (its position taken modulo the length).
  void flip_record_bit(MessageId id, std::size_t position);
  void flip_state_bit(MessageId id, std::uint16_t recipient, std::size_t position);
  void flip_content_bit(MessageId id, std::size_t position);

 private:
  using StateId = std::pair<std::uint64_t, std::uint16_t>;
  struct Image {
    std::map<std::uint64_t, std::string> messages;
    std::map<std::uint64_t, Content> contents;
    std::map<StateId, std::string> states;
    std::map<std::string, std::string, std::less<>> system;
    std::uint64_t next_id = 1;
    std::uint64_t bytes = 0;
  };
  struct Fault {
    std::uint64_t commits_before = 0;
    Errc code = Errc::io;
  };

  std::optional<Errc> fault_now();
  void apply(const CommitBatch& batch);
  void remove(const Removal& removal);

  mutable std::mutex mutex_;
  Image image_;
  std::optional<Image> synced_;  // what a crash goes back to; empty: `image_` is all synced
  std::optional<Fault> fault_;
  std::optional<Error> broken_;
  bool full_ = false;
  bool lying_ = false;
};

}  // namespace mailweir::spool
