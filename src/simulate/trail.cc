#include "simulate/trail.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/notice.h"
#include "engine/outcome.h"
#include "mail/reply.h"
#include "mail/stored_message.h"

namespace mailweir::simulate {
namespace {

constexpr std::size_t buffer_max = std::size_t{1} << 16;

// What concerns no message and no session.
void print_server(std::string& out, const TrailEntry& e) {
  auto to = std::back_inserter(out);
  if (e.step == Step::flush) fmt::format_to(to, "flush {}", e.more);
  if (e.step == Step::crash) fmt::format_to(to, "crash");
  if (e.step == Step::restart) fmt::format_to(to, "restart {}", e.more);
  if (e.step == Step::fault_begins) fmt::format_to(to, "fault {} begins", e.id);
  if (e.step == Step::fault_ends) fmt::format_to(to, "fault {} ends", e.id);
}

void print_notice(std::string& out, const TrailEntry& e, const Scenario& scenario) {
  auto to = std::back_inserter(out);
  const auto kind = engine::to_string(static_cast<engine::Notice::Kind>(e.index));
  if (e.place == no_path) {
    fmt::format_to(to, "notice {} - - {}", kind, e.code);
    return;
  }
  const std::size_t providers = scenario.providers.size();
  fmt::format_to(to, "notice {} {} {} {}", kind, scenario.engine.sources[e.place / providers].name,
                 scenario.providers[e.place % providers].name, e.code);
}

}  // namespace

Trail::Trail(const Scenario& scenario, const Atlas& atlas, Instant origin, Sink sink)
    : scenario_(scenario), atlas_(atlas), origin_(origin), sink_(std::move(sink)) {}

Trail::~Trail() {
  if (sink_ && !buffer_.empty()) sink_(buffer_);
}

void Trail::write(const TrailEntry& entry) {
  print(buffer_, entry);
  buffer_ += '\n';
  if (buffer_.size() < buffer_max) return;
  sink_(buffer_);
  buffer_.clear();
}

std::vector<std::string> Trail::last_lines() const {
  std::vector<std::string> lines;
  const std::uint64_t count = std::min<std::uint64_t>(next_, last_.size());
  for (std::uint64_t i = next_ - count; i < next_; ++i)
    print(lines.emplace_back(), last_[i % last_.size()]);
  return lines;
}

void Trail::print(std::string& out, const TrailEntry& e) const {
  const std::int64_t us = (e.at - origin_).count();
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{}.{:06} ", us / 1'000'000, us % 1'000'000);
  const auto failure = to_string(static_cast<engine::Failure>(e.failure));
  const auto phase = to_string(static_cast<Phase>(e.phase));
  const auto disposition = to_string(static_cast<Disposition>(e.phase));
  switch (e.step) {
    case Step::accept:
      fmt::format_to(to, "accept m{} {} {} {}", e.id, scenario_.engine.classes[e.index].name,
                     atlas_.domain_name(e.place), e.more);
      return;
    case Step::resolve:
      fmt::format_to(to, "resolve {}", atlas_.domain_name(e.place));
      return;
    case Step::route:
      fmt::format_to(to, "route {} {}", atlas_.domain_name(e.place), failure);
      return;
    case Step::open:
      fmt::format_to(to, "open s{} {} {} mx{}", e.id,
                     scenario_.engine.sources[e.place / atlas_.providers()].name,
                     scenario_.providers[e.place % atlas_.providers()].name, e.index + 1);
      return;
    case Step::opened:
      fmt::format_to(to, "opened s{}", e.id);
      return;
    case Step::failed:
      fmt::format_to(to, "failed s{} {} {} {}", e.id, phase, failure, e.code);
      return;
    case Step::start:
      fmt::format_to(to, "start s{} m{}/{} {}", e.more, e.id, e.index, e.code);
      return;
    case Step::done:
      fmt::format_to(to, "done m{}/{} {} {} {}", e.id, e.index, phase, failure, e.code);
      return;
    case Step::settle:
      fmt::format_to(to, "settle m{}/{} {} {}", e.id, e.index, disposition, e.code);
      return;
    case Step::record:
      fmt::format_to(to, "record m{}/{} {} {}", e.id, e.index, disposition, e.code);
      return;
    case Step::close:
      fmt::format_to(to, "close s{}", e.id);
      return;
    case Step::closed:
      fmt::format_to(to, "closed s{} {}", e.id, failure);
      return;
    case Step::notice:
      return print_notice(out, e, scenario_);
    default:
      print_server(out, e);
  }
}

}  // namespace mailweir::simulate
