#include "spool/rocks_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <system_error>

#include "base/assert.h"
#include "base/crc32c.h"
#include "spool/crash_point.h"
#include "spool/disk_guard.h"
#include "spool/mount_check.h"
#include "spool/record.h"
#include "spool/rocks_reclaimer.h"
#include "spool/rocks_scan.h"
#include "spool/rocks_settings.h"
#include "spool/rocks_store.h"
#include "spool/state_marks.h"

namespace mailweir::spool {
namespace {

// Names in the system family: 'm' for our own, 'v' before those of SystemEntry.
constexpr std::string_view format_key = "m/format";
constexpr std::string_view mark_key = "m/next_id";
constexpr char entry_prefix = 'v';
constexpr std::string_view format_version = "1";
constexpr MessageId first_id{1};

// Ids are reserved in steps, so that a mark is written once for many messages. It is moved while
// half a step is left: ids handed out but not yet committed stay below it.
constexpr std::uint64_t id_step = 1U << 16;
// A failed recovery is repeated after ten times as long as it took, a second at most.
constexpr int recovery_pause_factor = 10;
constexpr std::chrono::seconds recovery_pause_max{1};
constexpr std::size_t batch_bytes_kept = 4 * 1024 * 1024;  // of the write batch's buffer

rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}

std::string system_key(std::string_view key) {
  return entry_prefix + std::string(key);
}

// Creates `path` and makes its own name durable.
Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return fail(Errc::io,
                fmt::format("spool: make {}: {}", path, std::generic_category().message(errno)));
  }
  const std::filesystem::path parent = std::filesystem::absolute(path).parent_path();
  const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && ::fsync(directory) == 0;
  if (directory >= 0) ::close(directory);
  if (!synced) return fail(Errc::io, fmt::format("spool: cannot sync {}", parent.string()));
  return {};
}

}  // namespace

struct RocksSpool::State {
  State(const RocksSpoolOptions& options, std::unique_ptr<DiskGuard> guard)
      : store(options.path, options.memory_budget, options.env), disk(std::move(guard)) {}

  Result<void> load();
  Result<void> make_writable();
  Result<void> recover_from_full_disk();
  Result<void> remove_doubtful();
  void encode(const CommitBatch& batch);
  void encode_updates(const std::vector<RecipientUpdate>& updates);
  void encode_accepted(const std::vector<Acceptance>& accepted);
  void encode_removals(const std::vector<Removal>& removals);
  void encode_system(const std::vector<SystemEntry>& entries);
  std::unexpected<Error> broken_by(const Error& error);
  Result<void> commit_failed(const CommitBatch& batch, const Error& error);

  RocksStore store;
  std::unique_ptr<DiskGuard> disk;
  std::vector<std::string> warnings;
  std::atomic<std::uint64_t> next_id{first_id.value};
  // What follows belongs to the committing thread.
  std::uint64_t id_mark = 0;      // ids below it may have been used, as stored
  std::uint64_t new_id_mark = 0;  // as the batch being written will store it
  std::optional<StateMarks> marks;
  std::optional<Error> broken;  // final
  // Accepted in a batch that failed for want of space: whether the log kept it is known only after
  // recovery, and then it must go, because its sender was told to try again.
  std::vector<MessageId> doubtful;
  std::chrono::steady_clock::time_point recovery_not_before{};
  rocksdb::WriteBatch batch;
  std::string record;
  std::optional<RocksReclaimer> reclaimer;  // uses what stands before it
};

Result<std::unique_ptr<RocksSpool>> RocksSpool::open(RocksSpoolOptions options) {
  WEIR_CHECK(make_directory(options.path));
  MountVerdict mount = check_mount(options.path);
  if (mount.refusal) {
    return fail(Errc::refused, fmt::format("spool {}: {}", options.path, *mount.refusal));
  }
  WEIR_TRY(auto disk, DiskGuard::open(options.path, options.min_free, options.ballast));
  auto state = std::make_unique<State>(options, std::move(disk));
  state->warnings = std::move(mount.warnings);
  WEIR_CHECK(state->store.open());
  for (std::string& dropped : state->store.take_dropped()) {
    state->warnings.push_back(std::move(dropped));
  }
  WEIR_CHECK(state->load());
  state->reclaimer.emplace(state->store, *state->disk, options.dead_max,
                           std::move(options.on_collected));
  return std::unique_ptr<RocksSpool>(new RocksSpool(std::move(state)));
}

RocksSpool::RocksSpool(std::unique_ptr<State> state) : state_(std::move(state)) {}
RocksSpool::~RocksSpool() = default;

// Reads the format and the mark, or writes them into a new spool.
Result<void> RocksSpool::State::load() {
  const auto format = store.get(Family::system, format_key);
  if (!format && format.error().code != Errc::not_found) return std::unexpected(format.error());
  if (format && *format != format_version) {
    return fail(Errc::unsupported,
                fmt::format("the spool has format {}, this program reads and writes {}", *format,
                            format_version));
  }
  if (!format) {
    batch.Put(store.handle(Family::system), slice(format_key), slice(format_version));
    const MessageKey mark(first_id);
    batch.Put(store.handle(Family::system), slice(mark_key), slice(mark.bytes()));
    WEIR_CHECK(store.write(batch));
  }
  WEIR_TRY(const std::string mark, store.get(Family::system, mark_key));
  WEIR_TRY(const MessageId next, parse_message_key(mark));
  id_mark = next.value;
  next_id = next.value;
  marks.emplace(next);
  return {};
}

Result<void> RocksSpool::commit(const CommitBatch& batch) {
  State& state = *state_;
  if (batch.empty()) return {};
  if (state.broken) return std::unexpected(*state.broken);
  WEIR_CHECK(state.make_writable());
  if (!batch.accepted.empty() && !state.disk->has_room()) {
    state.reclaimer->poke();
    return fail(Errc::no_space, state.disk->describe());
  }
  state.encode(batch);
  if (!batch.removals.empty()) crash_point("commit.removal");
  if (!batch.updates.empty()) crash_point("commit.update");
  crash_point("commit.before_write");
  const auto written = state.store.write(state.batch);
  crash_point("commit.after_write");
  if (!written) return state.commit_failed(batch, written.error());
  if (!batch.removals.empty()) {
    state.store.count_removals(batch.removals.size());
    state.reclaimer->poke();
  }
  state.id_mark = state.new_id_mark;
  for (const Acceptance& acceptance : batch.accepted) {
    const std::uint64_t next = acceptance.message.id.value + 1;
    if (next > state.next_id.load(std::memory_order_relaxed)) state.next_id = next;
  }
  return {};
}

// Leaves the state a full disk brings about, where that is so and can be done.
Result<void> RocksSpool::State::make_writable() {
  if (store.is_open()) {
    const auto health = store.background_health();
    if (health) return {};
    if (health.error().code != Errc::no_space) return broken_by(health.error());
    disk->release_ballast();
  }
  return recover_from_full_disk();
}

// An attempt that fails for want of space is not repeated at every commit: recovery reads the log.
Result<void> RocksSpool::State::recover_from_full_disk() {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  if (begin < recovery_not_before) return fail(Errc::no_space, disk->describe());
  auto recovered = store.reopen();
  if (recovered) recovered = remove_doubtful();
  if (recovered) {
    reclaimer->poke();
    return {};
  }
  if (recovered.error().code != Errc::no_space) return broken_by(recovered.error());
  const auto end = steady_clock::now();
  recovery_not_before = end + std::min<steady_clock::duration>(
                                  recovery_pause_factor * (end - begin), recovery_pause_max);
  return recovered;
}

std::unexpected<Error> RocksSpool::State::broken_by(const Error& error) {
  broken = Error{Errc::io, error.context};
  return std::unexpected(*broken);
}

Result<void> RocksSpool::State::remove_doubtful() {
  if (doubtful.empty()) return {};
  batch.Clear();
  for (const MessageId id : doubtful) {
    const MessageKey key(id);
    const auto found = store.get(Family::message, key.bytes());
    if (!found && found.error().code != Errc::not_found) return std::unexpected(found.error());
    if (!found) continue;
    batch.SingleDelete(store.handle(Family::message), slice(key.bytes()));
    batch.SingleDelete(store.handle(Family::body), slice(key.bytes()));
  }
  if (batch.Count() > 0) WEIR_CHECK(store.write(batch));
  doubtful.clear();
  return {};
}

Result<void> RocksSpool::State::commit_failed(const CommitBatch& failed, const Error& error) {
  if (error.code != Errc::no_space) return broken_by(error);
  for (const Acceptance& acceptance : failed.accepted) doubtful.push_back(acceptance.message.id);
  disk->release_ballast();
  // Where there is no room even for this, the next commits try again.
  if (!recover_from_full_disk() && broken) return std::unexpected(*broken);
  return std::unexpected(error);
}

void RocksSpool::State::encode(const CommitBatch& commit) {
  if (batch.GetDataSize() > batch_bytes_kept) batch = rocksdb::WriteBatch();
  batch.Clear();
  encode_accepted(commit.accepted);
  encode_updates(commit.updates);
  encode_removals(commit.removals);
  encode_system(commit.system);
}

void RocksSpool::State::encode_updates(const std::vector<RecipientUpdate>& updates) {
  // Texts of this batch, for later updates of it; kept only where one will ask.
  std::map<std::pair<MessageId, std::uint16_t>, std::string> told;
  const bool any_keeps = std::ranges::any_of(updates, &RecipientUpdate::keeps_reply_text);
  for (const RecipientUpdate& update : updates) {
    const std::pair recipient(update.id, update.recipient);
    const StateKey key(update.id, update.recipient);
    const RecipientState* state = &update.state;
    RecipientState with_text;
    if (update.keeps_reply_text) {
      with_text = update.state;
      if (const auto earlier = told.find(recipient); earlier != told.end()) {
        with_text.reply_text = earlier->second;
      } else if (const auto before = store.get(Family::state, key.bytes())) {
        // One that cannot be read is no reason to lose the new state as well.
        auto read = decode_state(update.id, update.recipient, *before);
        if (read) with_text.reply_text = std::move(read->reply_text);
      }
      state = &with_text;
    }
    if (any_keeps) told.insert_or_assign(recipient, state->reply_text);
    record.clear();
    encode_state(update.id, update.recipient, *state, record);
    batch.Put(store.handle(Family::state), slice(key.bytes()), record);
    marks->mark(update.id);
  }
}

void RocksSpool::State::encode_accepted(const std::vector<Acceptance>& accepted) {
  std::uint64_t highest = 0;
  for (const Acceptance& acceptance : accepted) {
    WEIR_ASSERT(acceptance.message.id >= first_id && acceptance.content);
    WEIR_ASSERT(acceptance.message.body_size == acceptance.content->size());
    record.clear();
    encode_message(acceptance.message, record);
    const MessageKey key(acceptance.message.id);
    batch.Put(store.handle(Family::message), slice(key.bytes()), record);
    batch.Put(store.handle(Family::body), slice(key.bytes()), *acceptance.content);
    highest = std::max(highest, acceptance.message.id.value);
  }
  new_id_mark = id_mark;
  if (highest + id_step / 2 < id_mark || accepted.empty()) return;
  new_id_mark = highest + id_step;
  const MessageKey mark(MessageId{new_id_mark});
  batch.Put(store.handle(Family::system), slice(mark_key), slice(mark.bytes()));
}

void RocksSpool::State::encode_removals(const std::vector<Removal>& removals) {
  for (const Removal& removal : removals) {
    const MessageKey key(removal.id);
    batch.SingleDelete(store.handle(Family::message), slice(key.bytes()));
    batch.SingleDelete(store.handle(Family::body), slice(key.bytes()));
    if (!marks->may_have_state(removal.id)) continue;
    for (std::uint16_t recipient = 0; recipient < removal.recipients; ++recipient) {
      batch.Delete(store.handle(Family::state), slice(StateKey(removal.id, recipient).bytes()));
    }
  }
}

void RocksSpool::State::encode_system(const std::vector<SystemEntry>& entries) {
  for (const SystemEntry& entry : entries) {
    const std::string key = system_key(entry.key);
    if (entry.value.empty()) {
      batch.Delete(store.handle(Family::system), key);
    } else {
      batch.Put(store.handle(Family::system), key, entry.value);
    }
  }
}

Result<StoredMessage> RocksSpool::read_message(MessageId id) const {
  WEIR_TRY(const std::string record, state_->store.get(Family::message, MessageKey(id).bytes()));
  return decode_message(id, record);
}

Result<Content> RocksSpool::read_content(const StoredMessage& message) const {
  auto content = state_->store.get(Family::body, MessageKey(message.id).bytes());
  if (!content) return std::unexpected(content.error());
  if (content->size() != message.body_size || crc32c(*content) != message.body_crc32c) {
    return fail(Errc::corrupt,
                fmt::format("spool: the content of {} does not match its checksum: {} bytes of {}",
                            to_string(message.id), content->size(), message.body_size));
  }
  return std::make_shared<const std::string>(std::move(*content));
}

Result<std::optional<RecipientState>> RocksSpool::read_state(MessageId id,
                                                             std::uint16_t recipient) const {
  const auto record = state_->store.get(Family::state, StateKey(id, recipient).bytes());
  if (!record && record.error().code == Errc::not_found) return std::nullopt;
  if (!record) return std::unexpected(record.error());
  WEIR_TRY(RecipientState state, decode_state(id, recipient, *record));
  return state;
}

Result<std::optional<std::string>> RocksSpool::read_system(std::string_view key) const {
  auto value = state_->store.get(Family::system, system_key(key));
  if (!value && value.error().code == Errc::not_found) return std::nullopt;
  if (!value) return std::unexpected(value.error());
  return std::move(*value);
}

Result<void> RocksSpool::scan_system(
    std::string_view prefix,
    const std::function<void(std::string_view, std::string_view)>& visit) const {
  const RocksStore& store = state_->store;
  return store.with_db([&](rocksdb::DB& db) -> Result<void> {
    const std::unique_ptr<rocksdb::Iterator> entry(
        db.NewIterator(rocksdb::ReadOptions(), store.handle(Family::system)));
    const std::string first = system_key(prefix);
    for (entry->Seek(first); entry->Valid() && entry->key().starts_with(first); entry->Next()) {
      const std::string_view key(entry->key().data(), entry->key().size());
      visit(key.substr(1), {entry->value().data(), entry->value().size()});
    }
    if (!entry->status().ok()) return std::unexpected(to_error(entry->status(), "scan"));
    return {};
  });
}

Result<void> RocksSpool::scan(
    const std::function<bool(Recovered&&)>& visit,
    const std::function<void(MessageId, const Error&)>& on_corrupt) const {
  const RocksStore& store = state_->store;
  return store.with_db([&](rocksdb::DB& db) {
    return scan_families(db, store.handle(Family::message), store.handle(Family::state), visit,
                         on_corrupt);
  });
}

MessageId RocksSpool::next_id() const {
  return MessageId{state_->next_id};
}
Usage RocksSpool::usage() const {
  // Mail may be refused because of what is told here, without ever coming to a commit.
  if (state_->disk->wants_space()) state_->reclaimer->poke();
  return state_->disk->usage();
}
const std::vector<std::string>& RocksSpool::warnings() const {
  return state_->warnings;
}

}  // namespace mailweir::spool
