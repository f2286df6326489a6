// The Spool keeps accepted mail safe: what commit() returned for survives a power cut
// (docs/queue-format.md).
//
// Two implementations, one contract test: RocksSpool (rocks_spool.h) and MemorySpool
// (memory_spool.h), which can crash. Threading: commit() from one thread only (the CommitQueue's);
// reads from any thread. Errors: `no_space` leaves the spool usable and nothing of the batch
// stored; `io` is final: the caller must stop acknowledging and end the process (the kernel may
// have marked the lost pages clean; docs/adr/0003); `corrupt` names the record.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "mail/stored_message.h"

namespace mailweir::spool {

// Message content (header and body, CRLF lines, no dot-stuffing). Shared between intake, spool and
// delivery, never changed.
using Content = std::shared_ptr<const std::string>;

struct Acceptance {
  StoredMessage message;
  Content content;
};

struct RecipientUpdate {
  MessageId id;
  std::uint16_t recipient = 0;  // index into the envelope
  RecipientState state;
  bool keeps_reply_text = false;  // the state before it has the text, also one of the same batch
};

struct Removal {
  MessageId id;
  std::uint16_t recipients = 0;  // how many the message had; their states go with it
};

struct SystemEntry {  // small named values: what was learned of paths, operators' hands
  std::string key;
  std::string value;  // empty: erase
};

// The unit that is synced, and that a later replication ships: all of it or nothing survives.
struct CommitBatch {
  std::vector<Acceptance> accepted;
  std::vector<RecipientUpdate> updates;
  std::vector<Removal> removals;
  std::vector<SystemEntry> system;

  bool empty() const {
    return accepted.empty() && updates.empty() && removals.empty() && system.empty();
  }
};

// One message as found at start-up, with the states its recipients have reached (index → state;
// absent: never attempted).
struct Recovered {
  StoredMessage message;
  std::vector<std::pair<std::uint16_t, RecipientState>> states;
};

struct Usage {
  std::uint64_t bytes_on_disk = 0;
  std::uint64_t bytes_free = 0;  // on the spool's file system
  std::uint64_t bytes_total = 0;
};

class Spool {
 public:
  virtual ~Spool() = default;

  // Stores the batch, atomically and durably.
  virtual Result<void> commit(const CommitBatch& batch) = 0;

  virtual Result<StoredMessage> read_message(MessageId id) const = 0;
  // The content, its CRC checked against the message's record: `corrupt` when it differs (never
  // send it, never delete it).
  virtual Result<Content> read_content(const StoredMessage& message) const = 0;
  virtual Result<std::optional<RecipientState>> read_state(MessageId id,
                                                           std::uint16_t recipient) const = 0;
  virtual Result<std::optional<std::string>> read_system(std::string_view key) const = 0;
  // Visits every small named value whose key begins with `prefix`, in the order of the bytes of
  // their keys. The views are good for the call only; `visit` must not call the spool.
  virtual Result<void> scan_system(
      std::string_view prefix,
      const std::function<void(std::string_view key, std::string_view value)>& visit) const = 0;

  // Visits every message in id order; for start-up only (a scan in steady state meets tombstones).
  // A record that fails its check is handed to `on_corrupt` and skipped: it stays in the spool.
  // Stops early when `visit` returns false.
  virtual Result<void> scan(
      const std::function<bool(Recovered&&)>& visit,
      const std::function<void(MessageId, const Error&)>& on_corrupt) const = 0;

  // The first id never handed out: above everything ever accepted, across restarts.
  virtual MessageId next_id() const = 0;
  virtual Usage usage() const = 0;
};

}  // namespace mailweir::spool
