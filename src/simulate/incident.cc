#include "simulate/incident.h"

#include <algorithm>
#include <vector>

#include "simulate/result.h"

namespace mailweir::simulate {
namespace {

std::optional<Duration> last_penalty_end(const RunResult& run) {
  std::optional<Duration> end;
  for (const PathResult& provider : run.providers) {
    for (std::size_t i = 0; i < provider.series.size(); ++i) {
      if (provider.series[i].penalized <= 0) continue;
      const Duration at = run.step * static_cast<std::int64_t>(i + 1);
      end = std::max(end.value_or(at), at);
    }
  }
  return end;
}

std::optional<Duration> last_delayed_delivery(const RunResult& run) {
  std::optional<Duration> end;
  if (run.counts.queued > 0) return end;
  for (const ClassResult& of_class : run.classes) {
    for (std::size_t i = 0; i < of_class.series.size(); ++i) {
      if (of_class.series[i].delay_max < delayed_at_least) continue;
      const Duration at = run.step * static_cast<std::int64_t>(i + 1);
      end = std::max(end.value_or(at), at);
    }
  }
  return end;
}

std::optional<Duration> since(Duration onset, const std::optional<Duration>& at) {
  if (!at) return std::nullopt;
  return std::max(Duration{}, *at - onset);
}

bool is_throttled(const PathResult& path, std::size_t from) {
  return std::any_of(path.series.begin() + static_cast<std::ptrdiff_t>(from), path.series.end(),
                     [](const PathSample& sample) { return sample.penalized > 0; });
}

// Attempts over [from, to): of the throttled sources, and of all, at the providers that throttled.
struct Attempts {
  double throttled = 0;
  double all = 0;
  double share() const { return all > 0 ? throttled / all : 0; }
};

class PathShares {
 public:
  PathShares(const RunResult& run, std::size_t onset) {
    for (const PathResult& path : run.paths) {
      if (path.series.size() <= onset || !is_throttled(path, onset)) continue;
      throttled_.push_back(&path);
      steps_ = path.series.size();
    }
    for (const PathResult& path : run.paths) {
      const bool shares_provider =
          std::any_of(throttled_.begin(), throttled_.end(),
                      [&](const PathResult* each) { return each->provider == path.provider; });
      if (shares_provider) all_.push_back(&path);
    }
  }

  std::size_t steps() const { return steps_; }
  Attempts attempts(std::size_t from, std::size_t to) const {
    return {sum(throttled_, from, to), sum(all_, from, to)};
  }

 private:
  static double sum(const std::vector<const PathResult*>& paths, std::size_t from, std::size_t to) {
    double attempts = 0;
    for (const PathResult* path : paths) {
      for (std::size_t i = from; i < std::min(to, path->series.size()); ++i)
        attempts += static_cast<double>(path->series[i].attempts);
    }
    return attempts;
  }

  std::vector<const PathResult*> throttled_;
  std::vector<const PathResult*> all_;
  std::size_t steps_ = 0;
};

// When the sender began to spare the throttled sources, and kept to it for `kept_for`. The share is
// looked at, not the rate, because the load falls in the evening by itself.
std::optional<Duration> first_sparing(const RunResult& run, Duration onset) {
  if (run.step <= Duration{}) return std::nullopt;
  const auto first = static_cast<std::size_t>(onset / run.step);
  const auto span = std::max<std::size_t>(1, static_cast<std::size_t>(kept_for / run.step));
  const PathShares shares(run, first);
  const double usual = shares.attempts(0, first).share();
  if (usual <= 0) return std::nullopt;
  // Once it is over, sparing them is no mitigation.
  const auto end = std::min(
      shares.steps(), static_cast<std::size_t>(last_penalty_end(run).value_or(onset) / run.step));
  for (std::size_t i = first; i + span <= end; ++i) {
    const Attempts attempts = shares.attempts(i, i + span);
    if (attempts.all > 0 && attempts.share() <= usual / 2)
      return run.step * static_cast<std::int64_t>(i);
  }
  return std::nullopt;
}

// The first notice since the onset that is what is looked for.
template <class Which>
std::optional<Duration> first_notice(const RunResult& run, Which which) {
  const auto found = std::ranges::find_if(run.notices, [&](const NoticeAt& each) {
    return each.at >= run.incident->onset && which(each.notice);
  });
  if (found == run.notices.end()) return std::nullopt;
  return found->at;
}

bool is_detection(const engine::Notice& notice) {
  return notice.kind == engine::Notice::Kind::throttle_detected;
}

bool names_cause(const engine::Notice& notice) {
  return is_detection(notice) && !notice.cause.empty() && !notice.source.empty() &&
         !notice.provider.empty() && notice.paths_used > 0;
}

bool is_step_down(const engine::Notice& notice) {
  return notice.kind == engine::Notice::Kind::step && notice.to < notice.from;
}

// False: the sender has said nothing.
bool take_from_notices(RunResult& run) {
  Incident& incident = *run.incident;
  const auto detected = first_notice(run, is_detection);
  if (!detected) return false;
  incident.ours.detected = since(incident.onset, detected);
  incident.ours.cause_named = since(incident.onset, first_notice(run, names_cause));
  incident.ours.mitigated = since(incident.onset, first_notice(run, is_step_down));
  return true;
}

}  // namespace

void find_incident_minutes(RunResult& run) {
  if (!run.incident) return;
  Incident& incident = *run.incident;
  incident.ours = {};
  if (!take_from_notices(run)) {
    incident.ours.mitigated = since(incident.onset, first_sparing(run, incident.onset));
    incident.ours.detected = incident.ours.mitigated;
  }
  incident.ours.released = since(incident.onset, last_penalty_end(run));
  incident.ours.drained = since(incident.onset, last_delayed_delivery(run));
  incident.ours.worst_delay = run.delays.max;
}

std::array<IncidentRow, 6> incident_rows(const Incident& incident) {
  const IncidentMinutes& report = incident.reference;
  const IncidentMinutes& ours = incident.ours;
  return {{{"detected", "検知", report.detected, ours.detected},
           {"cause named", "原因の特定", report.cause_named, ours.cause_named},
           {"first mitigation", "最初の対処", report.mitigated, ours.mitigated},
           {"refusals ended", "拒否の終了", report.released, ours.released},
           {"last delayed message delivered", "滞留の解消", report.drained, ours.drained},
           {"worst delay", "最大遅延", report.worst_delay, ours.worst_delay}}};
}

}  // namespace mailweir::simulate
