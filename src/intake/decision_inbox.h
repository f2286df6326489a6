// A DecisionInbox brings the acceptor's answers from its thread to the sessions of one IoThread,
// many with one wake-up.
//
// Once closed it drops what still comes, so that a session may end without its answer. Outlives the
// acceptor's last answer.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "intake/message_acceptor.h"
#include "runtime/io_thread.h"

namespace mailweir::intake {

class SmtpSession;

class DecisionInbox {
 public:
  explicit DecisionInbox(runtime::IoThread& thread) : thread_(thread) {}
  ~DecisionInbox();  // every answer has come
  DecisionInbox(const DecisionInbox&) = delete;
  DecisionInbox& operator=(const DecisionInbox&) = delete;

  // On the IoThread: an answer for a session will come.
  void expect() { expected_.fetch_add(1, std::memory_order_relaxed); }
  // From any thread, once for each expect(). On the IoThread itself the session gets the answer at
  // once, from inside the call.
  void push(SmtpSession& session, AcceptResult result);
  // On the IoThread.
  void close();
  bool is_closed();

 private:
  void drain();

  runtime::IoThread& thread_;
  std::atomic<std::size_t> expected_{0};
  std::mutex mutex_;
  bool is_closed_ = false;
  std::vector<std::pair<SmtpSession*, AcceptResult>> results_;
  std::vector<std::pair<SmtpSession*, AcceptResult>> batch_;
};

}  // namespace mailweir::intake
