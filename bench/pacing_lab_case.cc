#include "pacing_lab_case.h"

#include <cmath>

#include "base/assert.h"

namespace mailweir::lab {
namespace {

using namespace world;
using pacing::Rank;

constexpr double day_seconds = 86'400;
constexpr double hour_seconds = 3'600;

Duration span_of(double seconds) {
  return Duration(static_cast<std::int64_t>(seconds * 1e6));
}
Rate rate_of(double rate) {
  return {static_cast<std::uint64_t>(std::llround(rate * 1e6)), std::chrono::seconds(1'000'000)};
}
std::uint64_t count_of(double count) {
  return static_cast<std::uint64_t>(std::max(1.0, std::round(count)));
}
Wording busy() {
  return {451, "4.7.500 Server busy. Please try again later from [{ip}]."};
}
Networks addresses(std::vector<std::string> texts) {
  Result<Networks> networks = Networks::parse(texts);
  WEIR_ASSERT(networks.has_value());
  return *networks;
}

double exponential(Random& random, double rate) {
  return -std::log(1.0 - random.unit()) / rate;
}

Rank draw_rank(Random& random) {
  const double x = random.unit();
  return x < 0.15 ? Rank::urgent : x < 0.65 ? Rank::ordinary : Rank::bulk;
}

void offer(std::vector<Arrival>& arrivals, Random& random, double from, double until, double rate,
           std::uint16_t home = 0) {
  for (double at = from + exponential(random, rate); at < until; at += exponential(random, rate))
    arrivals.push_back({instant_of(at), draw_rank(random), home});
}

void sort(std::vector<Arrival>& arrivals) {
  std::ranges::sort(arrivals, [](const Arrival& a, const Arrival& b) {
    return a.at != b.at ? a.at < b.at : a.home < b.home;
  });
}

// Builds one case; holds what all its parts share.
struct Builder {
  Case built;
  Constants& constant;
  double limit;  // nominal

  void add(std::string label, ModelParameters parameters) {
    built.receiver.models.push_back({std::move(label), std::move(parameters)});
  }
  void ideal(std::unique_ptr<Ideal> ideal, std::size_t source = 0) {
    built.ideals[source].add(std::move(ideal));
  }
  void bucket(double burst) {
    const double depth = std::max(2.0, constant(burst));
    add("bucket",
        BucketParameters{.rate = rate_of(limit), .burst = count_of(depth), .reply = busy()});
    for (std::size_t i = 0; i < built.sources; ++i)
      ideal(std::make_unique<IdealBucket>([rate = limit](double) { return rate; },
                                          static_cast<double>(count_of(depth))),
            i);
  }
  PenaltyBoxParameters box(double count, double length, PenaltyEnd ends) {
    return {.trip = {.on = TripOn::refusals,
                     .count = count_of(constant(count)),
                     .window = span_of(constant(300))},
            .length = span_of(constant(length)),
            .ends = ends,
            .per_attempt = span_of(constant(120)),
            .length_max = span_of(constant(4 * hour_seconds))};
  }
  void noise(double busy_share, double grey, double stray) {
    add("greylist", GreylistParameters{.wait = std::chrono::minutes(4), .share = grey});
    add("recipients", RecipientsParameters{.busy = busy_share});
    add("stray", StrayParameters{.share = stray});
    add("mute", StrayParameters{.share = 0.002, .phase = Step::mail, .manner = Manner::silence});
  }
};

void build_sliding_hour(Builder& b) {
  const double count = b.limit * b.constant(hour_seconds);
  const double length = count / b.limit;
  b.add("window",
        WindowParameters{.messages = count_of(count), .length = span_of(length), .reply = busy()});
  b.ideal(std::make_unique<IdealWindow>(std::round(count), length * 61 / 60));
}

void build_connections(Builder& b) {
  const auto most = static_cast<std::uint32_t>(std::max(2.0, std::round(b.constant(5))));
  const double step = static_cast<double>(most) / b.limit / 5.1;
  b.add("connections", ConnectionsParameters{.connections = most});
  b.add("slow", TarpitParameters{.banner = Duration{},
                                 .command = span_of(step),
                                 .per_message = Duration{},
                                 .command_max = span_of(step)});
  b.ideal(std::make_unique<IdealConnections>(most));
}

void build_half_refused(Builder& b) {
  const double window = b.constant(600);
  const double count = 1.2 * b.limit * window;
  b.add("penalty",
        PenaltyBoxParameters{
            .trip = {.on = TripOn::messages, .count = count_of(count), .window = span_of(window)},
            .length = span_of(b.constant(hour_seconds)),
            .ends = PenaltyEnd::quiet,
            .quiet_count = count_of(b.constant(0.25) * b.limit * window),
            .share = std::min(0.95, b.constant(0.5)),
            .rate_inside = rate_of(b.constant(0.6) * b.limit),
            .reply = busy()});
  b.ideal(std::make_unique<IdealWindow>(std::round(count) - 1, window * 1.1));
}

void build_outside_half(Builder& b) {
  PenaltyBoxParameters box{.trip_at = span_of(b.constant(6 * hour_seconds)),
                           .length = span_of(b.constant(4 * hour_seconds)),
                           .share = std::min(0.95, b.constant(0.5)),
                           .reply = busy()};
  b.add("penalty", box);
  b.bucket(30);
}

void build_diurnal(Builder& b) {
  const DiurnalParameters shape{.rate = rate_of(b.limit),
                                .burst = count_of(std::max(2.0, b.constant(30))),
                                .swing = std::min(0.9, b.constant(0.5)),
                                .noise = std::min(0.9, b.constant(0.3)),
                                .noise_slot = span_of(b.constant(600)),
                                .reply = busy()};
  b.add("bucket", shape);
  ReceiverSpec spec{.name = "diurnal"};
  spec.models.push_back({"bucket", shape});
  std::shared_ptr<Receiver> twin = make_receiver(spec, b.built.receiver_seed, Instant{});
  const IpAddress source = IpAddress::from_ipv4(0xC0000201);
  // The same models in the same place draw the same numbers.
  b.ideal(std::make_unique<IdealBucket>(
      [twin, source](double at) { return twin->limit(source, instant_of(at)); },
      static_cast<double>(shape.burst)));
}

void build_steps(Builder& b) {
  const double first = b.constant(5 * hour_seconds);
  const double second = std::max(first + 600, b.constant(12 * hour_seconds));
  const double low = std::min(0.9, b.constant(0.4)) * b.limit;
  const double high = b.constant(1.5) * b.limit;
  const std::uint64_t burst = count_of(std::max(2.0, b.constant(30)));
  b.add("bucket", StepsParameters{.rates = {{Duration{}, rate_of(b.limit)},
                                            {span_of(first), rate_of(low)},
                                            {span_of(second), rate_of(high)}},
                                  .burst = burst,
                                  .reply = busy()});
  b.ideal(std::make_unique<IdealBucket>(
      [rate = b.limit, first, second, low, high](double at) {
        return at < first ? rate : at < second ? low : high;
      },
      static_cast<double>(burst)));
}

void build_quota(Builder& b) {
  const double count = std::min(3.0, b.constant(0.7)) * b.limit * day_seconds;
  const double turn = b.constant(2 * hour_seconds);
  b.add("quota",
        QuotaParameters{.messages = count_of(count), .turn = span_of(turn), .reply = busy()});
  b.ideal(std::make_unique<IdealQuota>(std::round(count), day_seconds, turn));
  b.bucket(30);
  b.built.horizon = std::chrono::hours(36);
}

NetworkBlockParameters silence(Builder& b, Networks blocked, double from, double length) {
  return {.blocked = std::move(blocked),
          .from = span_of(from),
          .until = span_of(from + length),
          .per_attempt = span_of(b.constant(60)),
          .extension_max = span_of(b.constant(2 * hour_seconds))};
}

void build_silent(Builder& b) {
  const double from = b.constant(6 * hour_seconds);
  const double length = b.constant(3 * hour_seconds);
  b.add("network", silence(b, addresses({"0.0.0.0/0"}), from, length));
  b.ideal(std::make_unique<IdealClosure>(from, from + length));
  b.bucket(30);
}

void build_penalty(Builder& b, std::string_view name) {
  PenaltyBoxParameters box = name == "pen-reset" ? b.box(5, 1'200, PenaltyEnd::restart)
                                                 : b.box(20, 1'800, PenaltyEnd::extend);
  if (name == "pen-forced") {
    const double at = b.constant(6 * hour_seconds);
    const double length = b.constant(2'700);
    box.trip_at = span_of(at);
    box.length = span_of(length);
    b.ideal(std::make_unique<IdealClosure>(at, at + length));
  }
  box.reply = busy();
  b.add("penalty", box);
  b.bucket(60);
}

// Three sources; what reaches the first is dropped for three hours. Boxes everywhere.
void build_silent_of_three(Builder& b) {
  const double from = 6 * hour_seconds;
  const double length = 3 * hour_seconds;
  b.add("network", silence(b, addresses({"192.0.2.1"}), from, length));
  b.ideal(std::make_unique<IdealClosure>(from, from + length), 0);
  PenaltyBoxParameters box = b.box(20, 1'800, PenaltyEnd::extend);
  box.reply = busy();
  b.add("penalty", box);
  b.bucket(60);
}

// 100,000 messages in half an hour over four sources: a cold one, two warm, one half warm.
void build_broadcast(Builder& b) {
  PenaltyBoxParameters box = b.box(20, 1'800, PenaltyEnd::extend);
  box.reply = busy();
  b.add("penalty", box);
  // One limit for all addresses is what the models offer: the cold source has a day's limit.
  b.add("reputation", ReputationParameters{.first = 600,
                                           .most = 1'000'000,
                                           .hour_share = 1.0,
                                           .growth = 1.0,
                                           .cold = addresses({"192.0.2.1"}),
                                           .reply = busy()});
  b.bucket(60);
  b.ideal(std::make_unique<IdealQuota>(600, day_seconds, 0), 0);
  b.built.horizon = std::chrono::hours(36);
}

void build_warm_up(Builder& b) {
  const double first = b.constant(200);
  const double growth = 1.0 + std::min(2.0, b.constant(1.0));
  const double hour_share = std::min(1.0, b.constant(0.125));
  b.add("reputation", ReputationParameters{.first = count_of(first),
                                           .hour_share = hour_share,
                                           .growth = growth,
                                           .cold = addresses({"0.0.0.0/0"}),
                                           .reply = busy()});
  b.ideal(std::make_unique<IdealReputation>(std::round(first), growth, hour_share, 0.5, 40'000));
  b.built.horizon = std::chrono::hours(9 * 24);
  pacing::LearningSettings& settings = b.built.settings[0];
  settings.warming = true;
  settings.start_rate = 0.01;
  const double planned = b.built.name == "warm-good" ? 100 : 600;
  b.built.plan = [settings, planned](double day) {
    pacing::LearningSettings of_day = settings;
    const double count = planned * std::exp2(std::floor(day));
    of_day.count_max[0] = count / 10;
    of_day.count_max[1] = count;
    return of_day;
  };
}

void build_receiver(Builder& b) {
  const std::string& name = b.built.name;
  if (name == "token" || name == "token-amb") return b.bucket(30);
  if (name == "slide1h") return build_sliding_hour(b);
  if (name == "conc5") return build_connections(b);
  if (name.starts_with("pen")) return build_penalty(b, name);
  if (name == "partial50" || name == "incident") return build_half_refused(b);
  if (name == "partial-exo") return build_outside_half(b);
  if (name == "diurnal") return build_diurnal(b);
  if (name == "silent") return build_silent(b);
  if (name == "quota") return build_quota(b);
  if (name == "step") return build_steps(b);
  if (name == "silent3") return build_silent_of_three(b);
  if (name == "broadcast") return build_broadcast(b);
  if (name.starts_with("warm")) return build_warm_up(b);
}

void offer_load(Case& c, Random& random, const Load& load) {
  const double end = seconds_of(Instant(c.horizon));
  const double rate = load.rate;
  if (c.name == "silent3") {
    for (std::uint16_t home = 0; home < 3; ++home)
      offer(c.arrivals, random, 0, day_seconds, 0.6 * rate, home);
  } else if (c.name == "broadcast") {
    for (std::uint16_t home = 1; home < 4; ++home)
      offer(c.arrivals, random, 0, end, 0.3 * rate, home);
    for (int i = 0; i < 100'000; ++i) {
      const double at = 3'600 + i * 0.018;
      c.arrivals.push_back({instant_of(at), Rank::ordinary, static_cast<std::uint16_t>(i % 4)});
    }
  } else if (c.name == "incident") {
    offer(c.arrivals, random, 0, day_seconds, 0.6 * rate);
    for (int i = 0; i < 10'000; ++i)
      c.arrivals.push_back(
          {instant_of(6 * 3'600 + i * 0.03), i % 5 != 0 ? Rank::bulk : Rank::ordinary, 0});
  } else if (c.name.starts_with("warm")) {
    offer(c.arrivals, random, 0, end, 12'000 / day_seconds);
  } else if (load.name == "w150") {
    offer(c.arrivals, random, 0, 4 * hour_seconds, 0.6 * rate);
    offer(c.arrivals, random, 4 * hour_seconds, 8 * hour_seconds, 1.5 * rate);
    offer(c.arrivals, random, 8 * hour_seconds, day_seconds, 0.6 * rate);
  } else {
    offer(c.arrivals, random, 0, day_seconds, (load.name == "w60" ? 0.6 : 0.95) * rate);
  }
  sort(c.arrivals);
}

}  // namespace

Constants::Constants(std::uint64_t seed) : varies_(true), random_(seed) {}

double Constants::operator()(double value) {
  if (!varies_) return value;
  return value * std::exp((2.0 * random_.unit() - 1.0) * std::log(3.0));
}

Case make_case(std::string_view name, const Load& load, std::uint64_t seed, Constants constants) {
  Case c{.name = std::string(name), .load = std::string(load.name)};
  c.receiver_seed = seed * 104'729 + 7;
  c.receiver.name = c.name;
  c.sources = name == "silent3" ? 3 : name == "broadcast" ? 4 : 1;
  c.ideals.resize(c.sources);
  c.settings.resize(c.sources);
  for (std::size_t i = 0; i < c.sources; ++i) {
    c.settings[i].start_rate = load.start_rate;
    c.settings[i].salt = static_cast<std::uint32_t>(seed * 31 + i);
  }
  if (name == "token-amb") c.unrecognized = 1.0;
  Load scaled = load;
  scaled.rate = constants(load.rate);
  Builder builder{std::move(c), constants, scaled.rate};
  build_receiver(builder);
  if (name == "noise") {
    builder.noise(0.1, 0.1, 0.02);
  } else {
    builder.noise(0.015, 0.02, 0.003);
  }
  SeededRandom random(seed * 7'919 + 13);
  offer_load(builder.built, random, scaled);
  return std::move(builder.built);
}

}  // namespace mailweir::lab
