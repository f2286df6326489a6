#include "spool/rocks_scan.h"

#include <fmt/format.h>

#include <limits>
#include <memory>

#include "spool/record.h"
#include "spool/rocks_settings.h"

namespace mailweir::spool {
namespace {

constexpr std::size_t readahead = 1024 * 1024;

using OnCorrupt = std::function<void(MessageId, const Error&)>;

std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// A Walk goes forward through one family. Where a table's block is damaged, RocksDB's iterator
// ends; the Walk then looks for the first id behind the damage, by doubling steps and halving them
// again.
class Walk {
 public:
  Walk(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const OnCorrupt& on_corrupt)
      : db_(db), family_(family), on_corrupt_(on_corrupt) {}

  // Fails only where nothing more can be read at all.
  Result<void> start() { return settle_at(0); }
  bool valid() const { return iterator_->Valid(); }
  std::string_view key() const { return view(iterator_->key()); }
  std::string_view value() const { return view(iterator_->value()); }
  MessageId id() const { return id_; }

  Result<void> next() {
    iterator_->Next();
    return settle();
  }

 private:
  bool seek(std::uint64_t id) {
    rocksdb::ReadOptions options;
    options.readahead_size = readahead;
    options.fill_cache = false;
    iterator_.reset(db_.NewIterator(options, family_));
    const MessageKey key(MessageId{id});
    iterator_->Seek(rocksdb::Slice(key.data, message_key_size));
    return iterator_->status().ok();
  }

  Result<void> settle_at(std::uint64_t id) {
    if (!seek(id)) return skip_damage(id);
    return settle();
  }

  // Takes the id of the present entry, or goes round what made the iterator end.
  Result<void> settle() {
    const rocksdb::Status status = iterator_->status();
    if (!status.ok()) return skip_damage(id_.value + 1);
    if (!iterator_->Valid()) return {};
    const auto id = parse_message_key(key().substr(0, message_key_size));
    if (!id) return std::unexpected(id.error());
    id_ = *id;
    return {};
  }

  Result<void> skip_damage(std::uint64_t first_bad) {
    const rocksdb::Status status = iterator_->status();
    if (!status.IsCorruption()) return std::unexpected(to_error(status, "scan"));
    constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t bad = first_bad;  // from here on nothing can be read …
    std::uint64_t step = 1;
    while (!seek(last - bad < step ? last : bad + step)) {
      if (last - bad < step) return std::unexpected(to_error(status, "scan"));
      bad += step;
      step *= 2;
    }
    std::uint64_t good = bad + step;  // … and from here on it can
    while (good - bad > 1) {
      const std::uint64_t middle = bad + (good - bad) / 2;
      (seek(middle) ? good : bad) = middle;
    }
    on_corrupt_(
        MessageId{first_bad},
        to_error(status, fmt::format("the records from {} to below {} are damaged",
                                     to_string(MessageId{first_bad}), to_string(MessageId{good}))));
    return settle_at(good);
  }

  rocksdb::DB& db_;
  rocksdb::ColumnFamilyHandle* family_;
  const OnCorrupt& on_corrupt_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  MessageId id_;
};

// Moves `walk` behind the states of `id`, collecting them; states of messages that are gone are
// passed over.
Result<void> take_states(Walk& walk, MessageId id,
                         std::vector<std::pair<std::uint16_t, RecipientState>>& states,
                         const OnCorrupt& on_corrupt) {
  while (walk.valid() && walk.id() <= id) {
    if (walk.id() == id) {
      const auto parts = parse_state_key(walk.key());
      const auto state = parts ? decode_state(id, parts->recipient, walk.value())
                               : Result<RecipientState>(std::unexpected(parts.error()));
      if (state) {
        states.emplace_back(parts->recipient, *state);
      } else {
        on_corrupt(id, state.error());
      }
    }
    WEIR_CHECK(walk.next());
  }
  return {};
}

}  // namespace

Result<void> scan_families(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* messages,
                           rocksdb::ColumnFamilyHandle* states,
                           const std::function<bool(Recovered&&)>& visit,
                           const OnCorrupt& on_corrupt) {
  Walk message(db, messages, on_corrupt);
  Walk state(db, states, on_corrupt);
  WEIR_CHECK(message.start());
  WEIR_CHECK(state.start());
  while (message.valid()) {
    const MessageId id = message.id();
    auto decoded = decode_message(id, message.value());
    if (decoded) {
      Recovered recovered{std::move(*decoded), {}};
      WEIR_CHECK(take_states(state, id, recovered.states, on_corrupt));
      if (!visit(std::move(recovered))) return {};
    } else {
      on_corrupt(id, decoded.error());
    }
    WEIR_CHECK(message.next());
  }
  return {};
}

}  // namespace mailweir::spool
