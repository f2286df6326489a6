// The baselines: what each is after, and its parameters with their defaults. Each function reads
// the parameters and gives what makes a path's policy; `habits` are set to the product's.
#pragma once

#include "base/result.h"
#include "senders/parameters.h"
#include "senders/path_policy.h"

namespace mailweir::senders {

// `fixed-rate`: every path at one rate for ever, whatever is answered.
//   rate 10/s · connections 20 · retry_first 5m, retry_factor 2, retry_longest 1h
Result<MakePolicy> fixed_rate(ParameterReader& parameters, Habits& habits);

// `postfix`: Postfix 3.7's queue manager (SCHEDULER_README, qmgr(8), smtp(8)); one instance a
// source. The window of a destination grows by `positive_feedback` at each delivery that did not
// fail the site, and shrinks by `negative_feedback` at each that did; a 4yz to MAIL, RCPT or DATA
// is the message's affair and counts as the former. `cohorts` failures of a whole window make the
// site dead for minimal_backoff. A refused message rests for its own age, within minimal and
// maximal back-off, and is looked at when the queue is run. Feedback is 1, 1/concurrency or
// 1/sqrt(concurrency).
//   initial_concurrency 5 · concurrency_limit 20 · positive_feedback 1 · negative_feedback 1 ·
//   cohort_limit 1 · minimal_backoff 300s · maximal_backoff 4000s · queue_run_delay 300s ·
//   active_limit 20000
Result<MakePolicy> postfix(ParameterReader& parameters, Habits& habits);

// `powermta`: a normal mode at the operator's rate, and a back-off mode that a reply pattern sets
// off; back after a time, or at the first delivery.
//   rate 100/s · connections 20 · retry_after 10m · backoff_rate 1/min · backoff_connections 20 ·
//   backoff_retry_after 1h · backoff_to_normal_after 1h · normal_after_delivery false
Result<MakePolicy> powermta(ParameterReader& parameters, Habits& habits);

// `kumomta-tsa`: KumoMTA with a traffic shaping rule: a reply pattern, `threshold` times within an
// hour, slows the site down to `slow_rate` for `duration`, or suspends it; then it snaps back. What
// is refused at connect is no reply to the rules; `connection_failures` in a row put the site off.
//   rate 100/s · connections 10 · threshold 1 · action rate | suspend · slow_rate 1/min ·
//   duration 90m · connection_failures 100 · retry_first 20m, retry_longest 24h
Result<MakePolicy> kumomta_tsa(ParameterReader& parameters, Habits& habits);

// `aimd`: what a congestion control would do: the rate rises by `step` each minute while it is what
// holds mail back, and is cut to `decrease` of it by a throttling reply or a failed session.
//   initial 1/s · step 6/min · decrease 0.5 · lowest 1/min · highest 1000/s · connections 20 ·
//   retry_first 1m, retry_longest 1h
Result<MakePolicy> aimd(ParameterReader& parameters, Habits& habits);

}  // namespace mailweir::senders
