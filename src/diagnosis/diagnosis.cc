#include "diagnosis/diagnosis.h"

#include <utility>

namespace mailweir::diagnosis {

struct Diagnosis::State {
  std::vector<Finding> standing;
  std::vector<Finding> news;
};

Diagnosis::Diagnosis() : state_(std::make_unique<State>()) {}
Diagnosis::~Diagnosis() = default;

void Diagnosis::on_contact(const Contact& /*contact*/, Instant /*now*/) {}
void Diagnosis::on_lookup(bool /*answered*/, Instant /*now*/) {}
void Diagnosis::on_time(Instant /*now*/) {}

Instant Diagnosis::next_wakeup() const {
  return never;
}

std::vector<Finding> Diagnosis::take_findings() {
  return std::exchange(state_->news, {});
}

const std::vector<Finding>& Diagnosis::standing() const {
  return state_->standing;
}

void Diagnosis::forget_provider(std::uint32_t /*provider*/) {}
void Diagnosis::forget_host(std::uint32_t /*host*/) {}

}  // namespace mailweir::diagnosis
