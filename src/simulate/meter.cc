#include "simulate/meter.h"

#include <algorithm>
#include <utility>

namespace mailweir::simulate {
namespace {

constexpr std::size_t paths_max = 64;      // with series of their own
constexpr std::uint64_t steps_max = 4000;  // kept; a long drain has more

double seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

bool is_attempt(const engine::RecipientResult& result) {
  return result.failure != engine::Failure::cancelled;
}

// RFC 3463 section 3.8: about who sends; other subjects are about one mailbox or message.
bool is_about_sender(const Reply& reply) {
  return !reply.enhanced || reply.enhanced->subject == 7;
}

}  // namespace

Meter::Meter(const Scenario& scenario, const Atlas& atlas, Oracle& oracle, SpellWatch& spells,
             Duration step, Instant origin)
    : atlas_(atlas),
      oracle_(oracle),
      spells_(spells),
      step_(step),
      last_step_(origin),
      last_oracle_(origin),
      load_end_(origin + scenario.length),
      keeps_paths_(std::size_t{atlas.sources()} * atlas.providers() <= paths_max),
      queued_(atlas.providers()),
      arrived_(atlas.providers()) {
  for (const engine::MessageClass& entry : scenario.engine.classes)
    classes_.emplace_back().result.name = entry.name;
  for (std::uint16_t p = 0; p < atlas.providers(); ++p) {
    providers_.emplace_back().result.provider = scenario.providers[p].name;
  }
  for (std::uint16_t s = 0; s < atlas.sources(); ++s) {
    for (std::uint16_t p = 0; p < atlas.providers(); ++p) {
      PathResult& path = paths_.emplace_back().result;
      path.provider = scenario.providers[p].name;
      path.source = scenario.engine.sources[s].name;
    }
  }
}

void Meter::accepted(std::uint8_t message_class, const std::vector<std::uint32_t>& domains) {
  ++counts_.messages;
  ++classes_[message_class].result.counts.messages;
  for (const std::uint32_t domain : domains) {
    const std::uint16_t provider = atlas_.provider_of(domain);
    ++counts_.accepted;
    ++classes_[message_class].result.counts.accepted;
    ++classes_[message_class].now.accepted;
    ++providers_[provider].now.accepted;
    ++queued_[provider];
    ++arrived_[provider];
  }
}

namespace {

std::uint64_t& count_of(Counts& counts, Disposition disposition) {
  switch (disposition) {
    case Disposition::delivered:
      return counts.delivered;
    case Disposition::expired:
      return counts.expired;
    default:
      return counts.bounced;
  }
}

}  // namespace

// Whether the end counts under the curve: a delivery, or a bounce that no sender could help.
bool Meter::is_success(const engine::Settle& end) const {
  if (end.disposition == Disposition::expired) return false;
  return end.disposition == Disposition::delivered ||
         !penalty_bounces_.contains({end.message.value, end.recipient});
}

void Meter::settled(const engine::Settle& end, std::uint8_t message_class, std::uint32_t domain,
                    Duration delay) {
  const Disposition disposition = end.disposition;
  Class& entry = classes_[message_class];
  --queued_[atlas_.provider_of(domain)];
  ++count_of(counts_, disposition);
  ++count_of(entry.result.counts, disposition);
  if (is_success(end)) ++height_;
  if (disposition != Disposition::delivered) return;
  ++entry.now.delivered;
  samples_.push_back({{end.message.value, end.recipient}, message_class, delay});
  entry.delay_sum += delay;
  entry.now.delay_max = std::max(entry.now.delay_max, delay);
}

void Meter::flushed() {
  for (const Sample& sample : samples_) {
    const auto first = first_delays_.extract(sample.key);
    const Duration delay = first ? first.mapped() : sample.delay;
    classes_[sample.message_class].delays.add(delay);
    delays_.add(delay);
  }
  samples_.clear();
}

void Meter::crashed() {
  for (const Sample& sample : samples_) first_delays_.try_emplace(sample.key, sample.delay);
  samples_.clear();
}

void Meter::forgotten(const engine::Settle& end, std::uint8_t message_class, std::uint32_t domain) {
  ++queued_[atlas_.provider_of(domain)];
  --count_of(counts_, end.disposition);
  --count_of(classes_[message_class].result.counts, end.disposition);
  if (is_success(end)) --height_;
  penalty_bounces_.erase({end.message.value, end.recipient});
}

void Meter::connection_failed(std::uint32_t path, std::size_t tries, Instant now) {
  ++measures_.connections_failed;
  spells_.attempted(path, static_cast<std::uint32_t>(tries));
  spells_.refused(path, now);
}

void Meter::transaction(std::uint32_t path, const engine::TransactionDone& done, Instant now) {
  PathSample& provider = providers_[path % atlas_.providers()].now;
  PathSample& single = paths_[path].now;
  for (const engine::RecipientResult& result : done.results) {
    if (!is_attempt(result)) continue;
    ++measures_.attempts;
    ++provider.attempts;
    ++single.attempts;
    spells_.attempted(path);
    if (result.failure == engine::Failure::none && result.reply.is_positive()) {
      ++provider.delivered;
      ++single.delivered;
      spells_.delivered(path);
    } else if (!result.reply.is_permanent() || says_too_many_recipients(result.reply)) {
      ++measures_.refused;
      ++provider.refused;
      ++single.refused;
      spells_.refused(path, now);
    } else if (is_about_sender(result.reply) && spells_.is_penalized(path, now)) {
      ++measures_.penalty_bounces;
      penalty_bounces_.emplace(done.message.value, result.recipient);
      spells_.refused(path, now);
    }
  }
}

void Meter::step_class(Class& entry) const {
  const Counts& counts = entry.result.counts;
  entry.now.queued = counts.accepted - counts.delivered - counts.bounced - counts.expired;
  if (entry.now.delivered > 0)
    entry.now.delay_mean = entry.delay_sum / static_cast<std::int64_t>(entry.now.delivered);
  if (steps_ < steps_max) entry.result.series.push_back(entry.now);
  entry.now = {};
  entry.delay_sum = {};
}

namespace {

void add_up(PathResult& result, const PathSample& sample, bool keep) {
  result.accepted += sample.accepted;
  result.attempts += sample.attempts;
  result.delivered += sample.delivered;
  result.refused += sample.refused;
  if (keep) result.series.push_back(sample);
}

}  // namespace

void Meter::step_oracle(Instant now) {
  if (now == last_oracle_) return;
  const double per_message = counts_.messages == 0 ? 1
                                                   : static_cast<double>(counts_.accepted) /
                                                         static_cast<double>(counts_.messages);
  for (std::uint16_t p = 0; p < atlas_.providers(); ++p) {
    const auto arrived = static_cast<double>(std::exchange(arrived_[p], 0));
    const double delivered = oracle_.step(p, now - last_oracle_, arrived, per_message, now);
    providers_[p].now.oracle_delivered += delivered;
    oracle_height_ += delivered;
  }
  last_oracle_ = now;
}

void Meter::on_window(Instant now, const std::function<bool(std::uint32_t path)>& is_held) {
  spells_.on_window(now, queued_);
  step_oracle(now);
  if (!keeps_paths_) return;
  path_windows_ += paths_.size();
  for (std::uint32_t path = 0; path < paths_.size(); ++path)
    path_windows_held_ += is_held(path) ? 1 : 0;
}

void Meter::step_provider(std::uint16_t provider, Instant now) {
  Path& entry = providers_[provider];
  entry.now.queued = queued_[provider];
  entry.now.limit = oracle_.limit(provider, now);
  std::uint32_t penalized = 0;
  for (std::uint32_t path = provider; path < paths_.size(); path += atlas_.providers())
    penalized += spells_.is_penalized(path) ? 1 : 0;
  entry.now.penalized = static_cast<double>(penalized) / atlas_.sources();
  add_up(entry.result, std::exchange(entry.now, {}), steps_ < steps_max);
}

void Meter::step_path(std::uint32_t index, bool is_held, Instant now) {
  Path& entry = paths_[index];
  if (keeps_paths_) {
    entry.now.limit = oracle_.limit(static_cast<std::uint16_t>(index % atlas_.providers()),
                                    static_cast<std::uint16_t>(index / atlas_.providers()), now);
    entry.now.penalized = spells_.is_penalized(index) ? 1 : 0;
    entry.now.held = is_held ? 1 : 0;
  }
  add_up(entry.result, std::exchange(entry.now, {}), keeps_paths_ && steps_ < steps_max);
}

void Meter::on_step(Instant now, const std::function<bool(std::uint32_t path)>& is_held) {
  step_oracle(now);
  for (Class& entry : classes_) step_class(entry);
  for (std::uint16_t p = 0; p < atlas_.providers(); ++p) step_provider(p, now);
  for (std::uint32_t path = 0; path < paths_.size(); ++path)
    step_path(path, keeps_paths_ && is_held(path), now);
  area_ += height_ * seconds(now - last_step_);
  oracle_area_ += oracle_height_ * seconds(now - last_step_);
  if (now <= load_end_) {
    load_area_ = area_;
    oracle_load_area_ = oracle_area_;
  }
  last_step_ = now;
  ++steps_;
}

void Meter::fill(RunResult& result) const {
  result.step = step_;
  result.counts = counts_;
  result.counts.queued = counts_.accepted - counts_.delivered - counts_.bounced - counts_.expired;
  result.delays = delays_.summary();
  for (const Class& entry : classes_) {
    ClassResult& row = result.classes.emplace_back(entry.result);
    row.delays = entry.delays.summary();
    row.counts.queued =
        row.counts.accepted - row.counts.delivered - row.counts.bounced - row.counts.expired;
  }
  result.measures = measures_;
  spells_.fill(result.measures);
  result.measures.wasted_per_1000 =
      1000.0 *
      static_cast<double>(measures_.refused + measures_.connections_failed +
                          measures_.penalty_bounces) /
      static_cast<double>(std::max<std::uint64_t>(1, counts_.delivered));
  result.measures.path_wasted_per_1000 =
      1000.0 * static_cast<double>(result.measures.path_refusals) /
      static_cast<double>(std::max<std::uint64_t>(1, counts_.delivered));
  if (path_windows_ > 0) {
    result.measures.held_share =
        static_cast<double>(path_windows_held_) / static_cast<double>(path_windows_);
  }
  if (oracle_load_area_ > 0) {
    result.measures.regret_percent = 100 * (oracle_load_area_ - load_area_) / oracle_load_area_;
  }
  if (counts_.accepted > 0) {
    const double late = (oracle_area_ - area_) / static_cast<double>(counts_.accepted);
    result.measures.regret_delay = Duration(static_cast<std::int64_t>(late * 1e6));
  }
  for (std::size_t p = 0; p < providers_.size(); ++p) {
    PathResult& row = result.providers.emplace_back(providers_[p].result);
    for (std::size_t at = p; at < paths_.size(); at += providers_.size()) {
      const auto path = static_cast<std::uint32_t>(at);
      row.penalty_share += spells_.penalty_share(path) / atlas_.sources();
      row.trips += spells_.trips(path);
    }
  }
  if (!keeps_paths_) return;
  for (std::uint32_t path = 0; path < paths_.size(); ++path) {
    PathResult& row = result.paths.emplace_back(paths_[path].result);
    row.penalty_share = spells_.penalty_share(path);
    row.trips = spells_.trips(path);
  }
}

}  // namespace mailweir::simulate
