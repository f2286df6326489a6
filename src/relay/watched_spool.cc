#include "relay/watched_spool.h"

#include "spool/test_messages.h"

namespace mailweir::relay::testing {
namespace {

constexpr auto patience = std::chrono::seconds(20);

}  // namespace

Result<void> WatchedSpool::commit(const spool::CommitBatch& batch) {
  std::unique_lock lock(mutex_);
  if (is_shut_) {
    is_at_gate_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_shut_; });
    is_at_gate_ = false;
  }
  if (commits_left_ == 0) {
    is_cut_ = true;
    changed_.notify_all();
    return fail(Errc::io, "the process is dead");
  }
  if (commits_left_ != UINT64_MAX) --commits_left_;
  auto result = memory.commit(batch);
  if (result) commits_.push_back(batch);
  if (!result && result.error().code == Errc::no_space) ++refused_;
  changed_.notify_all();
  return result;
}

bool WatchedSpool::wait_until(const std::function<bool()>& holds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, holds);
}

bool WatchedSpool::wait_until_gone(MessageId id) {
  return wait_until([&] { return !memory.read_message(id); });
}

bool WatchedSpool::wait_until_empty() {
  return wait_until([&] { return spool::testing::ids_in(memory).empty(); });
}

bool WatchedSpool::wait_for_state(MessageId id, std::uint16_t recipient,
                                  const std::function<bool(const RecipientState&)>& is_wanted) {
  return wait_until([&] {
    const auto state = memory.read_state(id, recipient);
    return state && *state && is_wanted(**state);
  });
}

void WatchedSpool::shut() {
  const std::lock_guard lock(mutex_);
  is_shut_ = true;
}

void WatchedSpool::open() {
  const std::lock_guard lock(mutex_);
  is_shut_ = false;
  changed_.notify_all();
}

bool WatchedSpool::wait_for_commit_at_gate() {
  return wait_until([this] { return is_at_gate_; });
}

std::uint64_t WatchedSpool::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

bool WatchedSpool::wait_until_refused(std::uint64_t count) {
  return wait_until([&] { return refused_ >= count; });
}

void WatchedSpool::cut_after(std::uint64_t commits) {
  const std::lock_guard lock(mutex_);
  commits_left_ = commits;
}

bool WatchedSpool::wait_until_cut() {
  return wait_until([this] { return is_cut_; });
}

void WatchedSpool::revive() {
  memory.crash();
  const std::lock_guard lock(mutex_);
  is_cut_ = false;
  commits_left_ = UINT64_MAX;
}

std::vector<spool::CommitBatch> WatchedSpool::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

}  // namespace mailweir::relay::testing
