#include "simulate/incident.h"

#include <algorithm>

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

}  // namespace

void find_incident_minutes(RunResult& run) {
  if (!run.incident) return;
  Incident& incident = *run.incident;
  incident.ours = {};
  incident.ours.detected = run.measures.detect_mean;
  incident.ours.mitigated = run.measures.detect_mean;
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
