#include "intake/decision_inbox.h"

#include "base/assert.h"
#include "intake/smtp_session.h"

namespace mailweir::intake {

DecisionInbox::~DecisionInbox() {
  const std::lock_guard lock(mutex_);  // the last push() may still be on its way out
  WEIR_ASSERT(expected_.load() == 0);
}

void DecisionInbox::push(SmtpSession& session, AcceptResult result) {
  if (thread_.is_current()) {
    expected_.fetch_sub(1, std::memory_order_relaxed);
    if (!is_closed()) session.on_decision(std::move(result));
    return;
  }
  const std::lock_guard lock(mutex_);
  if (!is_closed_) {
    results_.emplace_back(&session, std::move(result));
    if (results_.size() == 1) thread_.post([this] { drain(); });
  }
  expected_.fetch_sub(1, std::memory_order_relaxed);
}

bool DecisionInbox::is_closed() {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

void DecisionInbox::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  results_.clear();
}

void DecisionInbox::drain() {
  {
    const std::lock_guard lock(mutex_);
    batch_.swap(results_);
  }
  for (auto& [session, result] : batch_) session->on_decision(std::move(result));
  batch_.clear();
}

}  // namespace mailweir::intake
