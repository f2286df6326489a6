// What goes wrong.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simulate/simulation.h"

namespace mailweir::simulate {
namespace {

bool is_span(Fault::Kind kind) {
  return kind == Fault::Kind::dns || kind == Fault::Kind::outage;
}

bool concerns(const Fault& fault, const Provider& provider) {
  return fault.provider.empty() || fault.provider == provider.name;
}

bool concerns(const Fault& fault, std::uint16_t host) {
  return fault.hosts.empty() || std::ranges::find(fault.hosts, host) != fault.hosts.end();
}

}  // namespace

void Simulation::begin_fault(std::size_t index) {
  const Fault& fault = scenario_.faults[index];
  const auto target = static_cast<std::uint32_t>(index);
  note({.id = index + 1, .step = Step::fault_begins});
  switch (fault.kind) {
    case Fault::Kind::crash:
      crash(fault);
      break;
    case Fault::Kind::clock:
      wall_offset_ += fault.by;
      break;
    case Fault::Kind::dns:
    case Fault::Kind::outage:
      set_span(index, true);
      break;
    case Fault::Kind::trip:
      control(index, world::Receiver::Control::trip);
      break;
    case Fault::Kind::release:
      control(index, world::Receiver::Control::release);
      break;
    case Fault::Kind::block:
      control(index, world::Receiver::Control::block_network);
      break;
    case Fault::Kind::unblock:
      control(index, world::Receiver::Control::unblock_network);
      break;
  }
  if (is_span(fault.kind)) {
    const Instant end = fault.every ? now_ + fault.takes : origin_ + fault.to;
    events_.plan(std::max(end, now_), EventKind::fault_ends, target);
  }
  if (!fault.every) return;
  // As a Poisson process, but not before this one is over.
  const double wait =
      -std::log1p(-fault_random_.unit()) * static_cast<double>(fault.every->count());
  const Instant next = now_ + fault.takes + Duration(static_cast<std::int64_t>(wait));
  if (next <= origin_ + scenario_.length) events_.plan(next, EventKind::fault_begins, target);
}

void Simulation::end_fault(std::size_t index) {
  note({.id = index + 1, .step = Step::fault_ends});
  set_span(index, false);
}

// Spans may overlap: the worst of those under way holds.
void Simulation::set_span(std::size_t index, bool begins) {
  if (begins) {
    spans_.push_back(index);
  } else if (const auto found = std::ranges::find(spans_, index); found != spans_.end()) {
    spans_.erase(found);
  }
  const Fault& fault = scenario_.faults[index];
  for (std::uint16_t p = 0; p < atlas_.providers(); ++p) {
    if (!concerns(fault, scenario_.providers[p])) continue;
    if (fault.kind == Fault::Kind::dns) {
      network_.set_dns_failing(p, dns_failing(p));
      continue;
    }
    for (std::uint16_t host = 0; host < scenario_.providers[p].hosts; ++host) {
      if (concerns(fault, host)) network_.set_reachable(p, host, !is_out(p, host), now_);
    }
  }
}

double Simulation::dns_failing(std::uint16_t provider) const {
  double share = 0;
  for (const std::size_t index : spans_) {
    const Fault& fault = scenario_.faults[index];
    if (fault.kind == Fault::Kind::dns && concerns(fault, scenario_.providers[provider]))
      share = std::max(share, fault.share);
  }
  return share;
}

bool Simulation::is_out(std::uint16_t provider, std::uint16_t host) const {
  return std::ranges::any_of(spans_, [&](std::size_t index) {
    const Fault& fault = scenario_.faults[index];
    return fault.kind == Fault::Kind::outage && concerns(fault, scenario_.providers[provider]) &&
           concerns(fault, host);
  });
}

void Simulation::control(std::size_t index, world::Receiver::Control what) {
  const Fault& fault = scenario_.faults[index];
  const bool harms =
      what == world::Receiver::Control::trip || what == world::Receiver::Control::block_network;
  for (std::uint16_t p = 0; p < atlas_.providers(); ++p) {
    if (!concerns(fault, scenario_.providers[p])) continue;
    bool is_known = true;
    for (std::uint16_t s = 0; s < atlas_.sources(); ++s) {
      if (!fault.sources.empty() && std::ranges::find(fault.sources, s) == fault.sources.end())
        continue;
      if (harms) spells_.mark_harmed(std::uint32_t{s} * atlas_.providers() + p);
      is_known = receivers_[p]->control(what, atlas_.source(s), now_) && is_known;
      twins_[p]->control(what, atlas_.source(s), now_);
    }
    if (!is_known) {
      unmet_.push_back(fmt::format("fault {}: the receiver of provider \"{}\" has no model for it",
                                   index + 1, scenario_.providers[p].name));
    }
  }
}

void Simulation::crash(const Fault& fault) {
  if (sender_ == nullptr) return;
  note({.step = Step::crash});
  sender_.reset();
  network_.crash(now_);
  meter_.crashed();
  for (const engine::Settle& end : spool_.crash()) {
    meter_.forgotten(end, spool_.find(end.message)->message_class,
                     spool_.recipient(end.message, end.recipient).domain);
  }
  paths_to_keep_.clear();
  if (fault.forgets) kept_paths_.clear();
  events_.plan(now_ + fault.takes, EventKind::restart);
}

void Simulation::restart() {
  failure_ = start_sender();
  if (!failure_) return;
  caps_.restart(now_);
  holds_.restart();
  for (const auto& [path, kept] : kept_paths_)
    sender_->restore_path(kept.order, now_ - kept.at, now_);
  std::uint64_t restored = 0;
  spool_.restore([&](MessageId id, const Mail& mail, std::span<const MailRecipient> recipients) {
    ++restored;
    tell(id, mail, recipients, true);
    settle_down();
  });
  note({.more = restored, .step = Step::restart});
  for (const auto& [workload, draft] : std::exchange(postponed_, {})) {
    hand_in(workload, draft);
    settle_down();
  }
}

}  // namespace mailweir::simulate
