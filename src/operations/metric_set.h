// Metrics is every metric of the server, declared once: name, help and labels here are also
// docs/metrics.md.
//
// A member is what code increments. One Metrics a process, made by the server and lent to whoever
// counts.
#pragma once

#include "operations/metrics.h"

namespace mailweir::operations {

struct Metrics {
  Registry registry;

  // --- the server
  GaugeFamily build_info{registry,
                         {"mailweir_build_info", "Always 1; the version is a label.", {"version"}}};
  GaugeFamily start_time{
      registry,
      {"mailweir_start_time_seconds", "When the server started, in seconds since 1970.", {}}};
  Observed uptime{registry,
                  MetricType::gauge,
                  {"mailweir_uptime_seconds", "How long the server has been running.", {}}};
  Observed memory{registry,
                  MetricType::gauge,
                  {"mailweir_memory_bytes",
                   "Memory in use: `resident` of the process, `intake` of mail being received.",
                   {"kind"}}};

  // --- intake
  GaugeFamily sessions{registry,
                       {"mailweir_smtp_sessions", "SMTP sessions clients have open with us.", {}}};
  CounterFamily sessions_total{
      registry, {"mailweir_smtp_sessions_total", "SMTP sessions clients have opened.", {}}};
  CounterFamily received{registry,
                         {"mailweir_received_total", "Messages accepted and durable.", {"class"}}};
  CounterFamily received_recipients{
      registry,
      {"mailweir_received_recipients_total", "Recipients of accepted messages.", {"class"}}};
  CounterFamily received_bytes{
      registry, {"mailweir_received_bytes_total", "Content of accepted messages.", {}}};
  CounterFamily refused{registry,
                        {"mailweir_refused_total",
                         "Commands, messages or sessions refused to clients, by reason.",
                         {"reason"}}};

  // --- spool
  HistogramFamily commit_size{
      registry,
      {"mailweir_commit_requests", "Requests that shared one sync of the spool.", {}},
      count_buckets};
  HistogramFamily commit_time{
      registry,
      {"mailweir_commit_duration_seconds", "Time of one commit with its sync.", {}},
      seconds_buckets};
  Observed spool_bytes{
      registry, MetricType::gauge, {"mailweir_spool_bytes", "Size of the spool on disk.", {}}};
  Observed spool_free{registry,
                      MetricType::gauge,
                      {"mailweir_spool_free_bytes", "Free space on the spool's file system.", {}}};

  // --- queue
  GaugeFamily queue{registry,
                    {"mailweir_queue_recipients",
                     "Recipients in the queue: ready, deferred, held, in_flight.",
                     {"state"}}};
  GaugeFamily queue_messages{registry, {"mailweir_queue_messages", "Messages in the queue.", {}}};
  GaugeFamily oldest{registry,
                     {"mailweir_queue_oldest_seconds",
                      "Age of the oldest message that still waits, by message class.",
                      {"class"}}};

  // --- delivery
  CounterFamily delivered{
      registry, {"mailweir_delivered_total", "Recipients delivered.", {"provider", "source"}}};
  CounterFamily deferred{registry,
                         {"mailweir_deferred_total",
                          "Recipients put off by a refusal or a failure.",
                          {"provider", "source"}}};
  CounterFamily bounced{registry,
                        {"mailweir_bounced_total", "Recipients given up.", {"provider", "source"}}};
  CounterFamily expired{
      registry, {"mailweir_expired_total", "Recipients given up for their age.", {"class"}}};
  CounterFamily attempts{registry,
                         {"mailweir_attempts_total",
                          "Recipients attempted, by what came of it.",
                          {"provider", "source", "outcome"}}};
  GaugeFamily connections{
      registry,
      {"mailweir_connections", "Sessions we have open with providers.", {"provider", "source"}}};
  CounterFamily connections_total{
      registry, {"mailweir_connections_total", "Sessions we have opened.", {"provider", "source"}}};
  CounterFamily connection_failures{registry,
                                    {"mailweir_connection_failures_total",
                                     "Sessions that could not be opened or broke, by the step they "
                                     "reached and the kind of failure.",
                                     {"phase", "failure"}}};
  HistogramFamily delivery_time{registry,
                                {"mailweir_delivery_duration_seconds",
                                 "From acceptance to the provider's 250, by message class.",
                                 {"class"}},
                                seconds_buckets};

  // --- paths: what was learned (docs/pacing.md)
  GaugeFamily paths_held{registry,
                         {"mailweir_paths_held",
                          "Paths held after a refusal: one canary at a time asks.",
                          {"provider"}}};
  GaugeFamily path_pace{registry,
                        {"mailweir_path_pace_messages_per_second",
                         "The pace in force of a path that has one; 0 while it is held or paused.",
                         {"provider", "source"}}};
  CounterFamily holds_begun{registry,
                            {"mailweir_path_holds_total",
                             "Holds begun at a refusal of a path, by what it was.",
                             {"provider", "cause"}}};
  CounterFamily holds_ended{registry,
                            {"mailweir_path_recoveries_total",
                             "Paths open again after a hold, by what it was.",
                             {"provider", "cause"}}};
  CounterFamily canaries{registry,
                         {"mailweir_path_canaries_total",
                          "Canaries of held paths: accepted or refused.",
                          {"provider", "outcome"}}};
  CounterFamily unknown_refusals{
      registry, {"mailweir_unknown_refusals_total", "Refusals that no rule reads.", {"provider"}}};

  // --- reports
  CounterFamily dsns{registry, {"mailweir_dsn_total", "Delivery status notifications sent.", {}}};

  // --- event log
  Observed events{
      registry, MetricType::counter, {"mailweir_events_total", "Events recorded in the log.", {}}};
  Observed events_dropped{
      registry,
      MetricType::counter,
      {"mailweir_events_dropped_total", "Events lost because the log could not be written.", {}}};
  Observed event_log_bytes{registry,
                           MetricType::gauge,
                           {"mailweir_event_log_bytes", "Size of the event log on disk.", {}}};
  Observed event_log_errors{
      registry,
      MetricType::counter,
      {"mailweir_event_log_errors_total", "Failed writes of the event log.", {}}};
};

// docs/metrics.md.
std::string metrics_reference();

}  // namespace mailweir::operations
