#include "spool/memory_spool.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/crc32c.h"
#include "spool/record.h"

namespace mailweir::spool {
namespace {

constexpr std::uint64_t bytes_total = 1ULL << 40;

void flip(std::string& bytes, std::size_t position) {
  WEIR_ASSERT(!bytes.empty());
  char& byte = bytes[position % bytes.size()];
  byte = static_cast<char>(byte ^ 1);
}

Error not_found(MessageId id) {
  return Error{Errc::not_found, fmt::format("spool: there is no {}", to_string(id))};
}

}  // namespace

Result<void> MemorySpool::commit(const CommitBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (broken_) return std::unexpected(*broken_);
  if (batch.empty()) return {};
  const std::optional<Errc> fault = fault_now();
  const bool no_room = full_ && !batch.accepted.empty();
  if (no_room || fault == Errc::no_space) {
    return fail(Errc::no_space, "spool: commit: no space left on device");
  }
  const bool synced = !lying_ && !fault;
  if (!synced && !synced_) synced_ = image_;
  apply(batch);
  if (fault) {
    broken_ = Error{*fault, "spool: commit: input/output error"};
    return std::unexpected(*broken_);
  }
  if (synced) synced_.reset();  // a sync covers what earlier lies left behind
  return {};
}

std::optional<Errc> MemorySpool::fault_now() {
  if (!fault_) return std::nullopt;
  if (fault_->commits_before > 0) {
    --fault_->commits_before;
    return std::nullopt;
  }
  const Errc code = fault_->code;
  fault_.reset();
  return code;
}

void MemorySpool::apply(const CommitBatch& batch) {
  for (const auto& [message, content] : batch.accepted) {
    const std::uint64_t id = message.id.value;
    WEIR_ASSERT(id != 0 && content && message.body_size == content->size());
    std::string record;
    encode_message(message, record);
    image_.bytes += record.size() + content->size();
    const bool is_new = image_.messages.emplace(id, std::move(record)).second;
    WEIR_ASSERT(is_new);  // an id is accepted once
    image_.contents.emplace(id, content);
    image_.next_id = std::max(image_.next_id, id + 1);
  }
  for (const RecipientUpdate& update : batch.updates) {
    RecipientState state = update.state;
    if (update.keeps_reply_text) {
      const auto before = image_.states.find({update.id.value, update.recipient});
      if (before != image_.states.end()) {
        auto told = decode_state(update.id, update.recipient, before->second);
        if (told) state.reply_text = std::move(told->reply_text);
      }
    }
    std::string record;
    encode_state(update.id, update.recipient, state, record);
    image_.states.insert_or_assign({update.id.value, update.recipient}, std::move(record));
  }
  for (const Removal& removal : batch.removals) remove(removal);
  for (const SystemEntry& entry : batch.system) {
    if (entry.value.empty()) {
      image_.system.erase(entry.key);
    } else {
      image_.system.insert_or_assign(entry.key, entry.value);
    }
  }
}

void MemorySpool::remove(const Removal& removal) {
  const auto message = image_.messages.find(removal.id.value);
  if (message == image_.messages.end()) return;
  image_.bytes -= message->second.size() + image_.contents.at(removal.id.value)->size();
  image_.messages.erase(message);
  image_.contents.erase(removal.id.value);
  image_.states.erase(image_.states.lower_bound({removal.id.value, 0}),
                      image_.states.lower_bound({removal.id.value, removal.recipients}));
}

Result<StoredMessage> MemorySpool::read_message(MessageId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = image_.messages.find(id.value);
  if (found == image_.messages.end()) return std::unexpected(not_found(id));
  return decode_message(id, found->second);
}

Result<Content> MemorySpool::read_content(const StoredMessage& message) const {
  const std::lock_guard lock(mutex_);
  const auto found = image_.contents.find(message.id.value);
  if (found == image_.contents.end()) return std::unexpected(not_found(message.id));
  const Content& content = found->second;
  if (content->size() != message.body_size || crc32c(*content) != message.body_crc32c) {
    return fail(Errc::corrupt, fmt::format("spool: the content of {} does not match its checksum",
                                           to_string(message.id)));
  }
  return content;
}

Result<std::optional<RecipientState>> MemorySpool::read_state(MessageId id,
                                                              std::uint16_t recipient) const {
  const std::lock_guard lock(mutex_);
  const auto found = image_.states.find({id.value, recipient});
  if (found == image_.states.end()) return std::nullopt;
  WEIR_TRY(RecipientState state, decode_state(id, recipient, found->second));
  return state;
}

Result<std::optional<std::string>> MemorySpool::read_system(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = image_.system.find(key);
  if (found == image_.system.end()) return std::nullopt;
  return found->second;
}

Result<void> MemorySpool::scan_system(
    std::string_view prefix,
    const std::function<void(std::string_view, std::string_view)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (auto entry = image_.system.lower_bound(prefix);
       entry != image_.system.end() && entry->first.starts_with(prefix); ++entry)
    visit(entry->first, entry->second);
  return {};
}

Result<void> MemorySpool::scan(
    const std::function<bool(Recovered&&)>& visit,
    const std::function<void(MessageId, const Error&)>& on_corrupt) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id_value, record] : image_.messages) {
    const MessageId id{id_value};
    auto message = decode_message(id, record);
    if (!message) {
      on_corrupt(id, message.error());
      continue;
    }
    Recovered recovered{std::move(*message), {}};
    for (auto state = image_.states.lower_bound({id_value, 0});
         state != image_.states.end() && state->first.first == id_value; ++state) {
      const std::uint16_t recipient = state->first.second;
      auto decoded = decode_state(id, recipient, state->second);
      if (decoded) {
        recovered.states.emplace_back(recipient, std::move(*decoded));
      } else {
        on_corrupt(id, decoded.error());
      }
    }
    if (!visit(std::move(recovered))) return {};
  }
  return {};
}

MessageId MemorySpool::next_id() const {
  const std::lock_guard lock(mutex_);
  return MessageId{image_.next_id};
}

Usage MemorySpool::usage() const {
  const std::lock_guard lock(mutex_);
  return {image_.bytes, full_ ? 0 : bytes_total - image_.bytes, bytes_total};
}

void MemorySpool::crash() {
  const std::lock_guard lock(mutex_);
  if (synced_) image_ = std::move(*synced_);
  synced_.reset();
  broken_.reset();
  fault_.reset();
}

void MemorySpool::fail_commit(std::uint64_t commits_before, Errc code) {
  WEIR_ASSERT(code == Errc::io || code == Errc::no_space);
  const std::lock_guard lock(mutex_);
  fault_ = Fault{commits_before, code};
}

void MemorySpool::set_full(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

void MemorySpool::set_lying(bool lying) {
  const std::lock_guard lock(mutex_);
  lying_ = lying;
}

void MemorySpool::flip_record_bit(MessageId id, std::size_t position) {
  const std::lock_guard lock(mutex_);
  flip(image_.messages.at(id.value), position);
}

void MemorySpool::flip_state_bit(MessageId id, std::uint16_t recipient, std::size_t position) {
  const std::lock_guard lock(mutex_);
  flip(image_.states.at({id.value, recipient}), position);
}

void MemorySpool::flip_content_bit(MessageId id, std::size_t position) {
  const std::lock_guard lock(mutex_);
  Content& content = image_.contents.at(id.value);
  std::string bytes = *content;
  flip(bytes, position);
  content = std::make_shared<const std::string>(std::move(bytes));
}

}  // namespace mailweir::spool
