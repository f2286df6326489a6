#include "simulate/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "simulate/seeds.h"

namespace mailweir::simulate {
namespace {

// Clock times count from a midnight that lies a day behind the beginning of time, which stands for
// "at once" in many places.
constexpr Instant midnight{std::chrono::hours(24)};
constexpr std::int64_t steps_of_load = 480;
constexpr std::int64_t windows_of_load = 8640;
constexpr Duration window_min = std::chrono::seconds(10);
constexpr std::uint64_t spins_max = 100'000;

Duration whole_seconds(Duration at_least) {
  return std::max<Duration>(std::chrono::ceil<std::chrono::seconds>(at_least),
                            std::chrono::seconds(1));
}

Instant end_of_load(const Scenario& scenario, Instant origin) {
  Duration end = scenario.length;
  for (const Fault& fault : scenario.faults)
    end = std::max(
        {end, fault.at + (fault.kind == Fault::Kind::crash ? fault.takes : Duration{}), fault.to});
  return origin + end;
}

Duration drain_of(const Scenario& scenario) {
  if (scenario.drain) return *scenario.drain;
  Duration longest{};
  for (const engine::MessageClass& entry : scenario.engine.classes)
    longest = std::max(longest, entry.expiry);
  return longest + std::chrono::hours(1);
}

}  // namespace

Simulation::Simulation(const Scenario& scenario, const RunOptions& options)
    : scenario_(scenario),
      options_(options),
      origin_(midnight + time_of_day(scenario.start)),
      load_end_(end_of_load(scenario, origin_)),
      now_(origin_),
      atlas_(scenario),
      trail_(scenario, atlas_, origin_, options.events),
      rules_(trail_, origin_),
      receivers_(make_receivers()),
      twins_(make_receivers()),
      spool_(rules_),
      network_(scenario, atlas_, receivers_, spool_, events_,
               seed_for(options.seed, Stream::network)),
      caps_(scenario.engine, scenario.providers, rules_),
      holds_(rules_),
      oracle_(atlas_, receivers_, twins_),
      spells_(atlas_, receivers_,
              std::max(window_min, whole_seconds(scenario.length / windows_of_load))),
      meter_(scenario, atlas_, oracle_, spells_, whole_seconds(scenario.length / steps_of_load),
             origin_),
      load_(scenario, atlas_, limits_at_start(), origin_, options.seed),
      fault_random_(seed_for(options.seed, Stream::faults)),
      checks_caps_(scenario.sender == "mailweir") {}

Simulation::Receivers Simulation::make_receivers() const {
  Receivers receivers;
  for (const Provider& provider : scenario_.providers) {
    receivers.push_back(options_.cast.make_receiver(
        provider, seed_for(options_.seed, Stream::receiver, receivers.size()), midnight));
  }
  return receivers;
}

std::vector<double> Simulation::limits_at_start() const {
  std::vector<double> limits;
  for (std::uint16_t p = 0; p < atlas_.providers(); ++p)
    limits.push_back(oracle_.limit(p, origin_));
  return limits;
}

Result<void> Simulation::start_sender() {
  auto sender = options_.cast.make_sender(scenario_, atlas_,
                                          seed_for(options_.seed, Stream::sender, generation_++));
  if (!sender) return std::unexpected(sender.error());
  sender_ = std::move(*sender);
  return {};
}

Result<RunResult> Simulation::run() {
  WEIR_CHECK(start_sender());
  plan_beginning();
  loop();
  WEIR_CHECK(failure_);
  RunResult result;
  finish(result);
  return result;
}

void Simulation::plan_beginning() {
  for (std::size_t w = 0; w < scenario_.workloads.size(); ++w) {
    const Instant at = load_.next(w);
    if (at == never) continue;
    events_.plan(at, EventKind::arrival, static_cast<std::uint32_t>(w));
    ++workloads_open_;
  }
  for (std::size_t f = 0; f < scenario_.faults.size(); ++f) {
    const Fault& fault = scenario_.faults[f];
    Duration at = fault.at;
    if (fault.every) {
      at += Duration(static_cast<std::int64_t>(fault_random_.unit() * 2 *
                                               static_cast<double>(fault.every->count())));
    }
    if (at <= scenario_.length)
      events_.plan(origin_ + at, EventKind::fault_begins, static_cast<std::uint32_t>(f));
  }
  events_.plan(origin_ + meter_.step(), EventKind::step);
  events_.plan(origin_ + spells_.window(), EventKind::window);
}

bool Simulation::is_over() {
  if (!failure_) return true;
  if (now_ < load_end_) return false;
  if (sender_ == nullptr || workloads_open_ > 0 || !postponed_.empty()) return false;
  return spool_.unsettled() == 0 && !spool_.has_lazy();
}

void Simulation::loop() {
  const Instant deadline = load_end_ + drain_of(scenario_);
  while (!is_over()) {
    const Instant wake = sender_ == nullptr ? never : sender_->next_wakeup();
    const Instant event = events_.next();
    const Instant next = std::min(wake, event);
    if (next > deadline) {
      now_ = deadline;
      return;
    }
    spins_ = next > now_ ? 0 : spins_ + 1;
    now_ = std::max(now_, next);
    if (event <= wake) {
      happen(events_.take());
    } else {
      sender_->on_time(now_);
      if (spins_ > spins_max) {
        rules_.broken(now_, 0, 0, "the sender asks for time again and again, and does nothing");
        return;
      }
    }
    settle_down();
  }
}

void Simulation::happen(const Event& event) {
  switch (event.kind()) {
    case EventKind::arrival:
      return arrive(event.target);
    case EventKind::flush:
      is_flush_planned_ = false;
      if (spool_.has_lazy()) note({.more = spool_.flush(), .step = Step::flush});
      keep_paths();
      meter_.flushed();
      return;
    case EventKind::step:
      meter_.on_step(now_, [this](std::uint32_t path) { return is_held(path); });
      check_books();
      events_.plan(now_ + meter_.step(), EventKind::step);
      return;
    case EventKind::window:
      meter_.on_window(now_, [this](std::uint32_t path) { return is_held(path); });
      events_.plan(now_ + spells_.window(), EventKind::window);
      return;
    case EventKind::fault_begins:
      return begin_fault(event.target);
    case EventKind::fault_ends:
      return end_fault(event.target);
    case EventKind::restart:
      return restart();
    default:
      return network_.on_event(event, now_);
  }
}

void Simulation::arrive(std::size_t workload) {
  load_.draw(workload, draft_);
  if (sender_ == nullptr) {
    postponed_.emplace_back(workload, draft_);  // its client tries again until the server is back
  } else {
    hand_in(workload, draft_);
  }
  const Instant next = load_.next(workload);
  if (next == never) {
    --workloads_open_;
  } else {
    events_.plan(next, EventKind::arrival, static_cast<std::uint32_t>(workload));
  }
}

void Simulation::hand_in(std::size_t workload, const Draft& draft) {
  const MessageId id = spool_.accept({.accepted = now_,
                                      .received_at = wall_now(),
                                      .workload = static_cast<std::uint16_t>(workload),
                                      .tenant = draft.tenant,
                                      .message_class = draft.message_class,
                                      .is_unwanted = draft.is_unwanted},
                                     draft.domains);
  note({.id = id.value,
        .more = draft.domains.size(),
        .place = draft.domains.front(),
        .index = draft.message_class,
        .step = Step::accept});
  meter_.accepted(draft.message_class, draft.domains);
  const Mail& mail = *spool_.find(id);
  tell(id, mail, {&spool_.recipient(id, 0), mail.recipients}, false);
}

// What the relay tells the engine of a new or a restored message.
void Simulation::tell(const MessageId& id, const Mail& mail,
                      std::span<const MailRecipient> recipients, bool is_restored) {
  const Workload& workload = scenario_.workloads[mail.workload];
  const engine::MessageClass& entry = scenario_.engine.classes[mail.message_class];
  const engine::RetrySchedule& retry = scenario_.engine.retry;
  const auto longest = std::chrono::duration_cast<Duration>(retry.longest * (1.0 + retry.jitter));
  facts_.clear();
  const auto recipient_count = static_cast<std::uint16_t>(recipients.size());
  for (std::uint16_t i = 0; i < recipient_count; ++i) {
    const MailRecipient& recipient = recipients[i];
    if (is_final(recipient.durable)) continue;
    engine::RecipientFacts& facts = facts_.emplace_back();
    facts.recipient = i;
    facts.domain = atlas_.domain_name(recipient.domain);
    if (!is_restored || recipient.durable == Disposition::queued) continue;
    facts.disposition = recipient.durable;
    facts.attempts = recipient.attempts;
    facts.reply_code = recipient.reply_code;
    facts.due = now_ + std::clamp(recipient.due - wall_now(), Duration::zero(), longest);
  }
  const Instant accepted = now_ + (mail.received_at - wall_now());
  spool_.tell(id, accepted + entry.expiry);
  sender_->on_message(
      {.id = id,
       .message_class = entry.name,
       .tenant = workload.tenants.empty() ? std::string_view()
                                          : std::string_view(workload.tenants[mail.tenant].first),
       .campaign = workload.campaign,
       .pool = workload.pool,
       .sender_domain = workload.sender_domain,
       .dkim_domain = workload.dkim_domain,
       .size = workload.size,
       .accepted = accepted,
       .expires = accepted + entry.expiry,
       .deadline = entry.deadline == Duration{} ? never : accepted + entry.deadline,
       .recipients = facts_,
       .recipients_total = mail.recipients},
      now_);
}

UnixTime Simulation::wall_now() const {
  constexpr UnixTime first_midnight = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  return first_midnight + (now_ - midnight) + wall_offset_;
}

// Accepted = ended + what the sender still has.
void Simulation::check_books() {
  if (sender_ == nullptr) return;
  const std::uint64_t held = sender_->totals().recipients;
  if (held == spool_.unsettled()) return;
  rules_.broken(now_, 0, 0,
                fmt::format("{} recipients have not ended, but the sender knows of {}",
                            spool_.unsettled(), held));
}

}  // namespace mailweir::simulate
