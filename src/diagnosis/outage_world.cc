#include "diagnosis/outage_world.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "base/random.h"

namespace mailweir::diagnosis {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration connect_timeout = seconds(30);
constexpr Duration prelude = minutes(12);

struct Knock {
  Instant at{};
  std::uint64_t number = 0;  // those of one moment stay in order
  std::uint32_t path = 0;
  std::uint32_t host = none;
  Instant started{};
  Sign sign = Sign::reached;
  Phase phase = Phase::ehlo;
  bool is_told = false;  // the outcome is due, not the knock
  friend bool operator>(const Knock& left, const Knock& right) {
    return left.at != right.at ? left.at > right.at : left.number > right.number;
  }
};

struct Path {
  double rate = 0;  // knocks a second
  std::uint32_t in_flight = 0;
  std::uint32_t failed_running = 0;
  Instant rests_until{};
};

class OutageWorld {
 public:
  OutageWorld(Trouble trouble, std::uint64_t seed) : trouble_(trouble), random_(seed) {
    run_.trouble = trouble;
    build();
    place_trouble();
  }

  OutageRun play() {
    for (std::uint32_t path = 0; path < paths_.size(); ++path) plan_knock(path, Instant{});
    Instant next_lookup{};
    const Instant end = run_.ends + minutes(8);
    while (!events_.empty() && events_.top().at < end) {
      const Knock event = events_.top();
      events_.pop();
      for (; next_lookup < event.at; next_lookup += random_wait(lookup_rate_)) look_up(next_lookup);
      while (diagnosis_.next_wakeup() <= event.at) diagnosis_.on_time(diagnosis_.next_wakeup());
      if (event.is_told) {
        tell(event);
      } else {
        knock(event);
      }
      gather();
    }
    run_.all_cleared = diagnosis_.standing().empty();
    return run_;
  }

 private:
  double between(double low, double high) { return low + (high - low) * random_.unit(); }
  double log_between(double low, double high) { return low * std::pow(high / low, random_.unit()); }
  std::uint32_t draw(std::uint32_t count) {
    return static_cast<std::uint32_t>(random_.below(count));
  }
  Duration random_wait(double rate) {
    return Duration(static_cast<std::int64_t>(-std::log1p(-random_.unit()) / rate * 1e6));
  }

  void build() {
    const bool needs_siblings = trouble_ != Trouble::egress_all && trouble_ != Trouble::dns &&
                                trouble_ != Trouble::provider_down &&
                                trouble_ != Trouble::host_down &&
                                trouble_ < Trouble::throttle_in_words;
    sources_ = needs_siblings ? 3 + draw(4) : 1 + draw(5);
    providers_ = 3 + draw(6);
    accused_source_ = draw(sources_);
    accused_provider_ = draw(providers_);
    const double rate = log_between(0.3, 5.0) / providers_;
    for (std::uint32_t p = 0; p < providers_; ++p) {
      first_host_.push_back(hosts_);
      const bool is_accused = p == accused_provider_;
      const bool own_hosts = is_accused && trouble_ == Trouble::tenant_host_down;
      const bool needs_hosts =
          is_accused && (trouble_ == Trouble::host_down || trouble_ == Trouble::tls_trouble);
      hosts_of_.push_back(own_hosts ? 30 : needs_hosts ? 2 + draw(4) : 1 + draw(5));
      hosts_ += hosts_of_.back();
    }
    accused_host_ = first_host_[accused_provider_] + draw(hosts_of_[accused_provider_]);
    rests_ = draw(2) == 0;
    for (std::uint32_t s = 0; s < sources_; ++s) {
      for (std::uint32_t p = 0; p < providers_; ++p) {
        // What is asked about is not starved of mail: nobody can tell then.
        const bool is_accused = p == accused_provider_ || s == accused_source_;
        const double share = is_accused ? between(0.8, 1.6) : log_between(0.05, 2.0);
        paths_.push_back({.rate = std::max(0.04, rate / sources_ * share)});
      }
    }
    const double enough = trouble_ == Trouble::tenant_host_down ? 1.0
                          : trouble_ == Trouble::tls_trouble    ? 0.2
                          : trouble_ == Trouble::host_down      ? 0.1
                                                                : 0.0;
    for (std::uint32_t s = 0; s < sources_; ++s)
      path_of(s, accused_provider_).rate = std::max(path_of(s, accused_provider_).rate, enough);
  }

  Path& path_of(std::uint32_t s, std::uint32_t p) { return paths_[s * providers_ + p]; }

  void expect(Finding finding) { run_.expected.push_back(finding); }

  void place_trouble() {
    run_.rate = path_of(accused_source_, accused_provider_).rate;
    run_.begins = Instant{} + prelude + random_wait(0.05);
    run_.ends = run_.begins + seconds(240 + draw(360));
    strength_ = 1.0;
    second_ = (accused_source_ + 1) % sources_;
    other_provider_ = (accused_provider_ + 1) % providers_;
    const Finding blocked{
        .cause = Cause::ip_blocked, .source = accused_source_, .provider = accused_provider_};
    switch (trouble_) {
      case Trouble::partial_block:
        strength_ = between(0.6, 0.95);
        [[fallthrough]];
      case Trouble::silent_block:
      case Trouble::refused_block:
        return expect(blocked);
      case Trouble::two_blocked:
        expect(blocked);
        return expect(
            {.cause = Cause::ip_blocked, .source = second_, .provider = accused_provider_});
      case Trouble::host_down:
      case Trouble::tenant_host_down:
      case Trouble::tls_trouble:
        return expect(
            {.cause = Cause::host_down, .provider = accused_provider_, .host = accused_host_});
      case Trouble::provider_partly:
        strength_ = between(0.5, 0.95);
        [[fallthrough]];
      case Trouble::provider_down:
      case Trouble::provider_staggered:
        return expect({.cause = Cause::provider_down, .provider = accused_provider_});
      case Trouble::egress_one:
        return expect({.cause = Cause::egress_down, .source = accused_source_});
      case Trouble::egress_all:
        return expect({.cause = Cause::egress_down});
      case Trouble::dns:
        strength_ = between(0.5, 1.0);
        return expect({.cause = Cause::dns_trouble});
      case Trouble::two_at_once:
        expect(blocked);
        return expect({.cause = Cause::provider_down, .provider = other_provider_});
      default:
        return;
    }
  }

  void plan_knock(std::uint32_t path, Instant now) {
    events_.push({.at = now + random_wait(paths_[path].rate), .number = ++number_, .path = path});
  }

  void knock(const Knock& event) {
    plan_knock(event.path, event.at);
    Path& path = paths_[event.path];
    // As a server does that has noticed: one at a time, and not at once.
    const bool is_backing_off = rests_ && path.failed_running >= 2;
    if (path.in_flight >= (is_backing_off ? 1U : 12U) || event.at < path.rests_until) return;
    begin(event.path, event.at, none);
  }

  void begin(std::uint32_t index, Instant now, std::uint32_t not_host) {
    const std::uint32_t s = index / providers_;
    const std::uint32_t p = index % providers_;
    std::uint32_t h = first_host_[p] + draw(hosts_of_[p]);
    if (h == not_host) h = first_host_[p] + (h - first_host_[p] + 1) % hosts_of_[p];
    Knock outcome{.number = ++number_, .path = index, .host = h, .started = now, .is_told = true};
    ++paths_[index].in_flight;
    outcome.sign = sign_of(s, p, h, now);
    outcome.phase = outcome.sign == Sign::reached   ? Phase::ehlo
                    : outcome.sign == Sign::tls_cut ? Phase::tls_handshake
                                                    : Phase::connect;
    Duration length = milliseconds(20 + draw(180));
    if (trouble_ == Trouble::slow_receivers && is_on(now)) length += seconds(draw(40));
    if (outcome.sign == Sign::timed_out) length = connect_timeout;
    outcome.at = now + length;
    events_.push(outcome);
  }

  bool is_on(Instant now) const { return now >= run_.begins && now < run_.ends; }
  bool strikes() { return strength_ >= 1.0 || random_.unit() < strength_; }

  Sign sign_of(std::uint32_t s, std::uint32_t p, std::uint32_t h, Instant now) {
    const double stray = trouble_ == Trouble::stray_noise && is_on(now) ? 0.02 : 0.002;
    if (random_.unit() < stray) return Sign::timed_out;
    if (trouble_ == Trouble::flaky_host && h == accused_host_ && random_.unit() < 0.1)
      return Sign::timed_out;
    if (!is_on(now)) return Sign::reached;
    const bool at_accused = p == accused_provider_;
    const bool by_accused = s == accused_source_;
    switch (trouble_) {
      case Trouble::silent_block:
      case Trouble::partial_block:
        return at_accused && by_accused && strikes() ? Sign::timed_out : Sign::reached;
      case Trouble::refused_block:
        return at_accused && by_accused ? Sign::refused : Sign::reached;
      case Trouble::two_blocked:
        return at_accused && (by_accused || s == second_) ? Sign::timed_out : Sign::reached;
      case Trouble::host_down:
      case Trouble::tenant_host_down:
        return h == accused_host_ ? Sign::timed_out : Sign::reached;
      case Trouble::tls_trouble:
        return h == accused_host_ ? Sign::tls_cut : Sign::reached;
      case Trouble::tls_with_fallback:
        return h == accused_host_ && draw(2) == 0 ? Sign::tls_cut : Sign::reached;
      case Trouble::provider_down:
      case Trouble::provider_partly:
        return at_accused && strikes() ? Sign::timed_out : Sign::reached;
      case Trouble::provider_staggered:
        return at_accused && now >= run_.begins + seconds(20) * s / sources_ ? Sign::timed_out
                                                                             : Sign::reached;
      case Trouble::egress_one:
        return by_accused ? Sign::timed_out : Sign::reached;
      case Trouble::egress_all:
        return Sign::timed_out;
      case Trouble::two_at_once:
        return (at_accused && by_accused) || p == other_provider_ ? Sign::timed_out : Sign::reached;
      case Trouble::slow_receivers:
        return at_accused && random_.unit() < 0.03 ? Sign::dropped : Sign::reached;
      default:
        return Sign::reached;
    }
  }

  void tell(const Knock& event) {
    Path& path = paths_[event.path];
    --path.in_flight;
    diagnosis_.on_contact({.source = event.path / providers_,
                           .provider = event.path % providers_,
                           .host = event.host,
                           .sign = event.sign,
                           .phase = event.phase,
                           .started = event.started},
                          event.at);
    if (event.sign == Sign::reached) {
      path.failed_running = 0;
      return;
    }
    ++path.failed_running;
    const std::uint32_t hosts = hosts_of_[event.path % providers_];
    if (rests_ && path.failed_running >= 2) path.rests_until = event.at + seconds(10 + draw(30));
    if (hosts > 1 && path.failed_running < 3) begin(event.path, event.at, event.host);
  }

  void look_up(Instant now) {
    const bool fails =
        random_.unit() < 0.01 || (trouble_ == Trouble::dns && is_on(now) && strikes());
    diagnosis_.on_lookup(!fails, now);
  }

  void gather() {
    for (const Finding& finding : diagnosis_.take_findings()) {
      if (finding.cleared != never) continue;
      const auto is_known = [&](const Finding& known) { return is_same_place(known, finding); };
      if (std::ranges::none_of(run_.named, is_known)) run_.named.push_back(finding);
    }
  }

  Trouble trouble_;
  SeededRandom random_;
  Diagnosis diagnosis_;
  OutageRun run_;
  std::uint32_t sources_ = 0;
  std::uint32_t providers_ = 0;
  std::uint32_t hosts_ = 0;
  std::vector<std::uint32_t> hosts_of_;
  std::vector<std::uint32_t> first_host_;
  std::vector<Path> paths_;
  std::uint32_t accused_source_ = 0;
  std::uint32_t accused_provider_ = 0;
  std::uint32_t accused_host_ = 0;
  std::uint32_t second_ = 0;
  std::uint32_t other_provider_ = 0;
  double strength_ = 1.0;
  double lookup_rate_ = 0.3;
  bool rests_ = false;
  std::uint64_t number_ = 0;
  std::priority_queue<Knock, std::vector<Knock>, std::greater<>> events_;
};

}  // namespace

std::string_view to_string(Trouble trouble) {
  constexpr std::string_view names[troubles] = {
      "silent block",  "refused block", "partial block",  "two blocked", "host down",
      "tenant's host", "TLS at a host", "provider down",  "… staggered", "… partly",
      "egress of one", "egress of all", "look-ups",       "two at once", "throttle in words",
      "421 banner",    "stray noise",   "slow receivers", "flaky host",  "TLS, then clear"};
  return names[static_cast<std::size_t>(trouble)];
}

bool is_same_place(const Finding& left, const Finding& right) {
  return left.cause == right.cause && left.source == right.source &&
         left.provider == right.provider && left.host == right.host;
}

OutageRun play_outage(Trouble trouble, std::uint64_t seed) {
  return OutageWorld(trouble, seed).play();
}

}  // namespace mailweir::diagnosis
