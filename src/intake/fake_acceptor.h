// A MessageAcceptor for tests: keeps what it is given; answers from another thread, at once or when
// told to.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "intake/message_acceptor.h"
#include "runtime/io_thread.h"

namespace mailweir::intake {

class FakeAcceptor final : public MessageAcceptor {
 public:
  ~FakeAcceptor() override { thread_.join(); }

  std::optional<Reply> admission(std::uint64_t) override {
    const std::lock_guard lock(mutex_);
    return refusal_;
  }

  void accept(ReceivedMessage message, std::function<void(AcceptResult)> done) override {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    waiting_.emplace_back(std::move(done), MessageId{messages_.size()});
    changed_.notify_all();
    if (!holds_) answer_all();
  }

  void refuse(Reply refusal) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(refusal);
  }
  // From now on nobody gets an answer before release().
  void hold() {
    const std::lock_guard lock(mutex_);
    holds_ = true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    holds_ = false;
    answer_all();
  }
  // Returns once all answers that were released have been given.
  void settle() {
    thread_.run([] {});
  }
  void wait_for_messages(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return messages_.size() >= count; });
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return messages_.size();
  }
  ReceivedMessage message(std::size_t index) const {
    const std::lock_guard lock(mutex_);
    return messages_.at(index);
  }

 private:
  void answer_all() {
    while (!waiting_.empty()) {
      thread_.post([waiting = std::move(waiting_.front())] { waiting.first(waiting.second); });
      waiting_.pop_front();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReceivedMessage> messages_;
  std::deque<std::pair<std::function<void(AcceptResult)>, MessageId>> waiting_;
  std::optional<Reply> refusal_;
  bool holds_ = false;
  runtime::IoThread thread_{"acceptor"};
};

}  // namespace mailweir::intake
