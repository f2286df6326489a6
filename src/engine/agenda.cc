#include "engine/agenda.h"

namespace mailweir::engine {

std::uint32_t Agenda::Marked::take() {
  if (taken < indices.size()) return indices[taken++];
  indices.clear();
  taken = 0;
  return no_index;
}

void Agenda::mark_hop(std::uint32_t h) {
  Hop& hop = next_hops_.hops[h];
  if (hop.changed) return;
  hop.changed = true;
  marked_hops_.indices.push_back(h);
}

void Agenda::mark_path(std::uint32_t p) {
  Path& path = paths_[p];
  if (path.changed) return;
  path.changed = true;
  marked_paths_.indices.push_back(p);
}

void Agenda::mark_provider(std::uint32_t p) {
  Provider& provider = next_hops_.providers[p];
  if (provider.changed || provider.waiting == 0) return;
  provider.changed = true;
  marked_providers_.indices.push_back(p);
}

std::uint32_t Agenda::take_hop() {
  const std::uint32_t h = marked_hops_.take();
  if (h != no_index) next_hops_.hops[h].changed = false;
  return h;
}

std::uint32_t Agenda::take_path() {
  const std::uint32_t p = marked_paths_.take();
  if (p != no_index) paths_[p].changed = false;
  return p;
}

std::uint32_t Agenda::take_provider() {
  const std::uint32_t p = marked_providers_.take();
  if (p != no_index) next_hops_.providers[p].changed = false;
  return p;
}

void Agenda::arm_hop(std::uint32_t h, Instant at) {
  Hop& hop = next_hops_.hops[h];
  if (at >= hop.wake) return;
  hop.wake = at;
  wakes_.add({at, WakeKind::hop, h});
}

void Agenda::arm_path(std::uint32_t p, Instant at) {
  Path& path = paths_[p];
  if (at >= path.wake) return;
  path.wake = at;
  wakes_.add({at, WakeKind::path, p});
}

std::optional<Wake> Agenda::take_due(Instant now) {
  while (wakes_.next() <= now) {
    const Wake due = wakes_.take();
    Instant& armed =
        due.kind == WakeKind::hop ? next_hops_.hops[due.index].wake : paths_[due.index].wake;
    if (armed != due.at) continue;  // armed anew since, or another one has its place
    armed = never;
    return due;
  }
  return std::nullopt;
}

}  // namespace mailweir::engine
