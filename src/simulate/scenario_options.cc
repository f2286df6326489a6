#include "simulate/scenario_options.h"

#include "config/option_builder.h"
#include "simulate/scenario_kinds.h"

namespace mailweir::simulate {
namespace {

using config::Kind;
using config::Option;
using config::OptionTraits;
using namespace std::chrono_literals;
namespace common = config::kinds;

const OptionTraits needed{.is_required = true};
constexpr Duration longest = std::chrono::days(366);

template <class Item, class T>
Option<Item> of(std::string key, std::type_identity_t<config::Access<Item, T>> access, Kind<T> kind,
                std::string meaning, OptionTraits traits = {}) {
  return config::option<Item>(std::move(key), access, std::move(kind), std::move(meaning),
                              std::move(traits));
}

Kind<Duration> span() {
  return common::duration(Duration::zero(), longest);
}

template <class Owner>
std::vector<Option<Owner>> caps_keys() {
  return {
      of<Owner>("connections", WEIR_MEMBER(connections),
                common::optional(common::whole_number<std::uint32_t>(1, 10'000)),
                "Connections a path may hold."),
      of<Owner>("messages_per_connection", WEIR_MEMBER(messages_per_connection),
                common::optional(common::whole_number<std::uint32_t>(1, 1'000'000)),
                "Then the connection is closed."),
      of<Owner>("message_rate", WEIR_MEMBER(message_rate), common::optional(common::rate()),
                "Messages a path may start."),
      of<Owner>("connection_rate", WEIR_MEMBER(connection_rate), common::optional(common::rate()),
                "Connections a path may open."),
  };
}

}  // namespace

std::vector<Option<Scenario>> top_options() {
  return {
      of<Scenario>("title", WEIR_MEMBER(title), common::text("text"), "What tables call it."),
      of<Scenario>("seed", WEIR_MEMBER(seed), common::whole_number<std::uint64_t>(0),
                   "Of all that is random; --seed overrides it."),
      of<Scenario>("length", WEIR_MEMBER(length), common::duration(1s, longest),
                   "How long mail is handed in."),
      of<Scenario>("drain", WEIR_MEMBER(drain), common::optional(span()),
                   "The queue must be empty that long after load and faults; \"0s\": not asked."),
      of<Scenario>("start", WEIR_MEMBER(start), kinds::clock_time(),
                   "Clock time of the beginning."),
  };
}

std::vector<Option<SenderEntry>> sender_options() {
  return {of<SenderEntry>("kind", WEIR_MEMBER(kind), common::text("name"),
                          "\"mailweir\", or a baseline.")};
}

std::vector<Option<SourceGroup>> source_options() {
  return {
      of<SourceGroup>("name", WEIR_MEMBER(name), common::label(),
                      "With a count above 1 the sources are NAME1, NAME2, …", needed),
      of<SourceGroup>("first", WEIR_MEMBER(first), common::ipv4(),
                      "Address of the first; the others follow."),
      of<SourceGroup>("count", WEIR_MEMBER(count), common::whole_number<std::uint16_t>(1, 4096),
                      "How many."),
      of<SourceGroup>("warming", WEIR_MEMBER(warming), common::flag(),
                      "Without a history at the providers."),
      of<SourceGroup>("ehlo", WEIR_MEMBER(ehlo), common::host(), "The name in EHLO."),
  };
}

std::vector<Option<PoolEntry>> pool_options() {
  return {
      of<PoolEntry>("name", WEIR_MEMBER(name), common::label(), "", needed),
      of<PoolEntry>("sources", WEIR_MEMBER(sources), common::list(common::label()),
                    "Groups, or single sources.", needed),
  };
}

std::vector<Option<engine::MessageClass>> class_options() {
  using Class = engine::MessageClass;
  return {
      of<Class>("name", WEIR_MEMBER(name), common::label(), "", needed),
      of<Class>("priority", WEIR_MEMBER(priority), common::whole_number<std::uint8_t>(0, 100),
                "Higher goes first."),
      of<Class>("expiry", WEIR_MEMBER(expiry), common::duration(1min, 49 * 24h),
                "Older mail is given up."),
      of<Class>("deadline", WEIR_MEMBER(deadline), span(), "Wanted delivered within."),
      of<Class>("pool", WEIR_MEMBER(pool), common::label(), "Egress pool."),
  };
}

std::vector<Option<CapsEntry>> caps_options() {
  return caps_keys<CapsEntry>();
}

std::vector<Option<CapsEntry>> caps_for_options() {
  auto options = caps_keys<CapsEntry>();
  options.push_back(
      of<CapsEntry>("provider", WEIR_MEMBER(provider), kinds::label(), "None: every provider."));
  options.push_back(
      of<CapsEntry>("source", WEIR_MEMBER(source), common::label(), "None: every source."));
  return options;
}

std::vector<Option<engine::RetrySchedule>> retry_options() {
  using Retry = engine::RetrySchedule;
  return {
      of<Retry>("first", WEIR_MEMBER(first), common::duration(1s, 24h), "First wait."),
      of<Retry>("factor", WEIR_MEMBER(factor), common::real(1, 10), "From wait to wait."),
      of<Retry>("longest", WEIR_MEMBER(longest), common::duration(1s, 7 * 24h), "Longest wait."),
      of<Retry>("jitter", WEIR_MEMBER(jitter), common::real(0, 0.9), "Each wait × 1 ± jitter."),
  };
}

std::vector<Option<engine::PacingSettings>> pacing_options() {
  using Pacing = engine::PacingSettings;
  return {
      of<Pacing>("learns", WEIR_MEMBER(learns), common::flag(),
                 "Whether the limits of paths are learned; else the caps alone bind."),
      of<Pacing>("start_rate", WEIR_MEMBER(start_rate), common::rate(),
                 "Believed safe on a path nothing is known about."),
  };
}

std::vector<Option<engine::EngineConfig>> delivery_options() {
  using Engine = engine::EngineConfig;
  return {
      of<Engine>("recipients_per_transaction_max", WEIR_MEMBER(recipients_per_transaction_max),
                 common::whole_number<std::uint16_t>(1, 1000), ""),
      of<Engine>("transactions_ahead", WEIR_MEMBER(transactions_ahead),
                 common::whole_number<std::uint16_t>(1, 100), "Ordered but unanswered a session."),
      of<Engine>("session_idle_max", WEIR_MEMBER(session_idle_max), common::duration(0s, 1h),
                 "Then an idle session is closed."),
  };
}

std::vector<Option<ProviderEntry>> provider_options() {
  using Entry = ProviderEntry;
  return {
      of<Entry>("name", WEIR_MEMBER(provider.name), kinds::label(), "", needed),
      of<Entry>("personality", WEIR_MEMBER(personality), common::text("name"),
                "docs/receiver-models.md lists them."),
      of<Entry>("models", WEIR_MEMBER(models), common::list(common::text("name")),
                "Put behind the personality's, each labelled by its kind."),
      of<Entry>("share", WEIR_MEMBER(provider.share), kinds::share(1e9), "Weight in the load."),
      of<Entry>("domains", WEIR_MEMBER(provider.domains),
                common::whole_number<std::uint32_t>(1, 1'000'000), "d1.NAME.test …"),
      of<Entry>("hosts", WEIR_MEMBER(provider.hosts), common::whole_number<std::uint16_t>(1, 100),
                "MX hosts."),
      of<Entry>("separate_mx", WEIR_MEMBER(provider.separate_mx), common::flag(),
                "Each domain has MX names of its own."),
      of<Entry>("tls", WEIR_MEMBER(provider.tls), common::flag(), "Offers STARTTLS."),
      of<Entry>("latency", WEIR_MEMBER(provider.latency), common::duration(2us, 1min),
                "There and back."),
      of<Entry>("jitter", WEIR_MEMBER(provider.jitter), common::real(0, 0.9),
                "Of each session, × 1 ± jitter."),
  };
}

std::vector<Option<WorkloadEntry>> workload_options() {
  using Entry = WorkloadEntry;
  using Type = Workload::Kind;
  return {
      of<Entry>("name", WEIR_MEMBER(workload.name), common::label(), "", needed),
      of<Entry>("kind", WEIR_MEMBER(workload.kind),
                common::choice<Type>({{"rate", Type::rate},
                                      {"share", Type::share},
                                      {"burst", Type::burst},
                                      {"trace", Type::trace}}),
                "How mail comes.", needed),
      of<Entry>(
          "rate", WEIR_MEMBER(workload.rate),
          common::parsed<Rate>("rate", "\"20/min\"", parse_rate,
                               [](const Rate& rate) { return config::quote(to_string(rate)); }),
          "Messages, at random moments."),
      of<Entry>("share", WEIR_MEMBER(workload.share), kinds::share(1000),
                "Of the hidden limits at the start."),
      of<Entry>("messages", WEIR_MEMBER(workload.messages),
                common::whole_number<std::uint64_t>(1, 1'000'000'000), "Of a burst."),
      of<Entry>("within", WEIR_MEMBER(workload.within), span(), "Of a burst: evenly in this time."),
      of<Entry>("file", WEIR_MEMBER(file), common::path(), "Of a trace: seconds,class,domain."),
      of<Entry>("from", WEIR_MEMBER(workload.from), span(), "Begins that long after the start."),
      of<Entry>("to", WEIR_MEMBER(workload.to), common::optional(span()), "Ends; none: `length`."),
      of<Entry>("peak", WEIR_MEMBER(workload.peak), common::real(1, 2),
                "The rate at the day's peak, by its mean."),
      of<Entry>("peak_at", WEIR_MEMBER(workload.peak_at), kinds::time_of_day(), "When that is."),
      of<Entry>("day", WEIR_MEMBER(workload.day), common::duration(1min, longest),
                "How long a day is."),
      of<Entry>("classes", WEIR_MEMBER(workload.classes), kinds::mix(), "None: the first."),
      of<Entry>("tenants", WEIR_MEMBER(workload.tenants), kinds::mix(), "None: one."),
      of<Entry>("providers", WEIR_MEMBER(workload.providers), kinds::mix(),
                "None: by the providers' shares."),
      of<Entry>("pool", WEIR_MEMBER(workload.pool), common::label(), "None: the class's."),
      of<Entry>("recipients", WEIR_MEMBER(workload.recipients),
                common::whole_number<std::uint16_t>(1, 1000), "A message."),
      of<Entry>(
          "size", WEIR_MEMBER(workload.size),
          common::parsed<std::uint32_t>(
              "size", "\"8KiB\"",
              [](std::string_view text) -> Result<std::uint32_t> {
                WEIR_TRY(const ByteCount bytes, parse_byte_count(text));
                if (bytes.value > (1U << 30))
                  return fail(Errc::invalid_argument, "at most \"1GiB\"");
                return static_cast<std::uint32_t>(bytes.value);
              },
              [](const std::uint32_t& size) { return config::quote(to_string(ByteCount{size})); }),
          "Of a message."),
      of<Entry>("spam", WEIR_MEMBER(workload.spam), kinds::share(1),
                "Share of messages that recipients complain of."),
      of<Entry>("sender_domain", WEIR_MEMBER(workload.sender_domain), common::host(), ""),
      of<Entry>("dkim_domain", WEIR_MEMBER(workload.dkim_domain), common::host(), ""),
      of<Entry>("campaign", WEIR_MEMBER(workload.campaign), common::label(),
                "Of its tenants. None: none."),
  };
}

std::vector<Option<FaultEntry>> fault_options() {
  using Entry = FaultEntry;
  using Type = Fault::Kind;
  return {
      of<Entry>("kind", WEIR_MEMBER(fault.kind),
                common::choice<Type>({{"crash", Type::crash},
                                      {"dns", Type::dns},
                                      {"outage", Type::outage},
                                      {"clock", Type::clock},
                                      {"trip", Type::trip},
                                      {"release", Type::release},
                                      {"block", Type::block},
                                      {"unblock", Type::unblock}}),
                "", needed),
      of<Entry>("at", WEIR_MEMBER(fault.at), span(), "After the start."),
      of<Entry>("to", WEIR_MEMBER(fault.to), span(), "End of dns and outage."),
      of<Entry>("every", WEIR_MEMBER(fault.every), common::optional(common::duration(1s, longest)),
                "At random, so long apart in the mean."),
      of<Entry>("takes", WEIR_MEMBER(fault.takes), common::duration(1ms, 24h),
                "Until the server is back; of dns and outage with `every`: how long."),
      of<Entry>("forgets", WEIR_MEMBER(fault.forgets), common::flag(),
                "Of a crash: what was kept of the paths is lost, too."),
      of<Entry>("by", WEIR_MEMBER(fault.by), kinds::signed_duration(), "The jump of the clock."),
      of<Entry>("share", WEIR_MEMBER(fault.share), kinds::share(1), "Of look-ups that fail."),
      of<Entry>("provider", WEIR_MEMBER(fault.provider), kinds::label(), "None: all."),
      of<Entry>("hosts", WEIR_MEMBER(fault.hosts), kinds::host_numbers(), "From 1. None: all."),
      of<Entry>("sources", WEIR_MEMBER(sources), common::list(common::label()), "None: all."),
  };
}

std::vector<Option<Expectation>> expectation_options() {
  using Entry = Expectation;
  const auto number = common::optional(common::real(0, 1e12));
  const auto whole = common::optional(common::whole_number<std::uint64_t>(0));
  return {
      of<Entry>("class", WEIR_MEMBER(message_class), common::label(), "None: the whole run."),
      of<Entry>("delay_p50_max", WEIR_MEMBER(delay_p50_max), common::optional(span()), ""),
      of<Entry>("delay_p99_max", WEIR_MEMBER(delay_p99_max), common::optional(span()), ""),
      of<Entry>("delay_max", WEIR_MEMBER(delay_max), common::optional(span()), ""),
      of<Entry>("delivered_share_min", WEIR_MEMBER(delivered_share_min),
                common::optional(common::real(0, 1)), ""),
      of<Entry>("wasted_per_1000_max", WEIR_MEMBER(wasted_per_1000_max), number, ""),
      of<Entry>("regret_percent_max", WEIR_MEMBER(regret_percent_max), number, ""),
      of<Entry>("trips_max", WEIR_MEMBER(trips_max), whole, ""),
      of<Entry>("healthy_burns_max", WEIR_MEMBER(healthy_burns_max), whole, ""),
      of<Entry>("drained_within", WEIR_MEMBER(drained_within), common::optional(span()), ""),
  };
}

std::vector<Option<Incident>> incident_options() {
  const auto minutes = common::optional(span());
  return {
      of<Incident>("source", WEIR_MEMBER(source), common::text("text"), "Where it is reported."),
      of<Incident>("onset", WEIR_MEMBER(onset), span(), "After the start; all else after it."),
      of<Incident>("detected", WEIR_MEMBER(reference.detected), minutes, ""),
      of<Incident>("cause_named", WEIR_MEMBER(reference.cause_named), minutes, ""),
      of<Incident>("mitigated", WEIR_MEMBER(reference.mitigated), minutes, ""),
      of<Incident>("released", WEIR_MEMBER(reference.released), minutes, ""),
      of<Incident>("drained", WEIR_MEMBER(reference.drained), minutes, ""),
      of<Incident>("worst_delay", WEIR_MEMBER(reference.worst_delay), minutes, ""),
  };
}

}  // namespace mailweir::simulate
