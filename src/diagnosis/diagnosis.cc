#include "diagnosis/diagnosis.h"

#include <algorithm>
#include <utility>

#include "diagnosis/state.h"

namespace mailweir::diagnosis {

Diagnosis::Diagnosis() : state_(std::make_unique<State>()) {}
Diagnosis::~Diagnosis() = default;

void Diagnosis::on_contact(const Contact& contact, Instant now) {
  state_->look(now);
  state_->on_contact(contact, now);
}

void Diagnosis::on_waiting(std::uint32_t session, const Contact& about, Instant now) {
  state_->waiting.begin(session, about, now);
}

bool Diagnosis::on_answer(std::uint32_t session, bool answered, Instant now) {
  return state_->waiting.end(session, answered, now);
}

void Diagnosis::on_lookup(bool answered, Instant now) {
  state_->look(now);
  state_->on_lookup(answered, now);
}

void Diagnosis::on_time(Instant now) {
  Contact overdue;
  while (state_->waiting.take_hung(overdue, now)) state_->ask_again_of(overdue, now);
  while (state_->waiting.take(overdue, now)) state_->on_contact(overdue, now);
  state_->ask_due(now);
  state_->look(now);
}

Instant Diagnosis::next_wakeup() const {
  Instant next = state_->waiting.next();
  if (!state_->looks.empty()) next = std::min(next, state_->looks.front().due);
  if (!state_->later.empty()) next = std::min(next, state_->later.front().due);
  return next;
}

std::vector<Finding> Diagnosis::take_findings() {
  return std::exchange(state_->news, {});
}

std::vector<Question> Diagnosis::take_questions() {
  return std::exchange(state_->questions, {});
}

const std::vector<Finding>& Diagnosis::standing() const {
  return state_->standing;
}

void Diagnosis::forget_provider(std::uint32_t provider) {
  state_->forget_provider(provider);
}

void Diagnosis::forget_host(std::uint32_t host) {
  state_->forget_host(host);
}

}  // namespace mailweir::diagnosis
