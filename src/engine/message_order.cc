#include "engine/message_order.h"

#include <algorithm>

namespace mailweir::engine {

std::size_t MessageOrder::Run::lower_bound(std::uint64_t id) const {
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(size);
  return static_cast<std::size_t>(std::lower_bound(ids.begin(), end, id) - ids.begin());
}

void MessageOrder::Run::insert(std::size_t at, std::uint64_t id, std::uint32_t index) {
  std::copy_backward(ids.begin() + at, ids.begin() + size, ids.begin() + size + 1);
  std::copy_backward(indices.begin() + at, indices.begin() + size, indices.begin() + size + 1);
  ids[at] = id;
  indices[at] = index;
  ++size;
}

void MessageOrder::Run::erase(std::size_t at) {
  std::copy(ids.begin() + at + 1, ids.begin() + size, ids.begin() + at);
  std::copy(indices.begin() + at + 1, indices.begin() + size, indices.begin() + at);
  --size;
}

void MessageOrder::Run::move_upper_half_to(Run& other) {
  constexpr std::size_t half = run_max / 2;
  std::copy(ids.begin() + half, ids.end(), other.ids.begin());
  std::copy(indices.begin() + half, indices.end(), other.indices.begin());
  other.size = run_max - half;
  size = half;
}

std::size_t MessageOrder::run_of(MessageId id) const {
  const auto after = std::upper_bound(
      runs_.begin(), runs_.end(), id.value,
      [](std::uint64_t value, const std::unique_ptr<Run>& run) { return value < run->ids[0]; });
  return after == runs_.begin() ? 0 : static_cast<std::size_t>(after - runs_.begin()) - 1;
}

std::uint32_t MessageOrder::find(MessageId id) const {
  if (runs_.empty()) return no_index;
  const Run& run = *runs_[run_of(id)];
  const std::size_t at = run.lower_bound(id.value);
  return at < run.size && run.ids[at] == id.value ? run.indices[at] : no_index;
}

void MessageOrder::insert(MessageId id, std::uint32_t index) {
  if (runs_.empty()) runs_.push_back(std::make_unique<Run>());
  std::size_t r = run_of(id);
  if (runs_[r]->size == run_max) {
    const bool at_end = r + 1 == runs_.size() && id.value > runs_[r]->ids[run_max - 1];
    auto fresh = std::make_unique<Run>();
    if (!at_end) runs_[r]->move_upper_half_to(*fresh);
    const bool into_fresh = at_end || id.value > fresh->ids[0];
    runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(r) + 1, std::move(fresh));
    if (into_fresh) ++r;
  }
  Run& run = *runs_[r];
  const std::size_t at = run.lower_bound(id.value);
  WEIR_ASSERT(at == run.size || run.ids[at] != id.value);
  run.insert(at, id.value, index);
  ++size_;
}

void MessageOrder::erase(MessageId id) {
  const std::size_t r = run_of(id);
  Run& run = *runs_[r];
  const std::size_t at = run.lower_bound(id.value);
  WEIR_ASSERT(at < run.size && run.ids[at] == id.value);
  run.erase(at);
  --size_;
  if (run.size == 0) runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(r));
}

}  // namespace mailweir::engine
