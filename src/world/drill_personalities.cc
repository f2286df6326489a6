#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "world/personalities.h"

namespace mailweir::world {
namespace {

// The nominal limit of the drills: one message in two seconds.
constexpr Rate nominal{30, 1min};
constexpr std::uint64_t deep_burst = 60;
Wording busy() {
  return {451, "4.7.500 Server busy. Please try again later from [{ip}]."};
}

Networks every_address() {
  const std::vector<std::string> texts{"0.0.0.0/0", "::/0"};
  Result<Networks> networks = Networks::parse(texts);
  WEIR_ASSERT(networks.has_value());
  return *networks;
}

// What the operator may do by hand, everywhere.
std::vector<ModelSpec> by_hand() {
  return {{"penalty", PenaltyBoxParameters{}}, {"network", NetworkBlockParameters{}}};
}

std::vector<ModelSpec> joined(std::vector<ModelSpec> models, std::vector<ModelSpec> more) {
  std::ranges::move(more, std::back_inserter(models));
  return models;
}

// The models, in front of the noise that every real receiver has.
std::vector<ModelSpec> noisy(std::vector<ModelSpec> models) {
  return joined(
      std::move(models),
      {{"greylist", GreylistParameters{.wait = 4min, .share = 0.02}},
       {"recipients", RecipientsParameters{.full = 0.005, .busy = 0.01}},
       {"stray", StrayParameters{.share = 0.003}},
       {"mute", StrayParameters{.share = 0.002, .phase = Step::mail, .manner = Manner::silence}}});
}

ModelSpec nominal_bucket(std::uint64_t burst) {
  return {"bucket", BucketParameters{.rate = nominal, .burst = burst, .reply = busy()}};
}

PenaltyBoxParameters box() {
  return {.trip = {.on = TripOn::refusals, .count = 20, .window = 5min},
          .ends = PenaltyEnd::extend};
}

std::vector<ReceiverSpec> limits() {
  return {
      {"token-bucket", "5 messages a second and address, a burst of 30; no noise",
       joined({{"bucket", BucketParameters{}}}, by_hand())},
      {"noisy-bucket", "a bucket, and the noise", noisy({nominal_bucket(30)})},
      {"sliding-hour", "1,800 messages in any hour",
       noisy({{"window", WindowParameters{.messages = 1'800, .reply = busy()}}})},
      {"daily-quota", "30,240 messages a day that begins at 02:00, and a bucket",
       noisy({{"quota", QuotaParameters{.messages = 30'240, .turn = 2h, .reply = busy()}},
              nominal_bucket(30)})},
      {"five-connections", "5 connections, each of them slow: a message takes about 10 s",
       noisy({{"connections", ConnectionsParameters{.connections = 5}},
              {"slow",
               TarpitParameters{
                   .banner = 0s, .command = 2s, .per_message = 0s, .command_max = 2s}}})},
      {"diurnal", "a bucket that other senders share: half as much by day as by night",
       noisy({{"bucket", DiurnalParameters{.rate = nominal, .reply = busy()}}})},
      {"steps", "a bucket that falls to 40 % at 05:00 and rises to 150 % at 12:00",
       noisy({{"bucket",
               StepsParameters{.rates = {{0s, nominal}, {5h, {12, 1min}}, {12h, {45, 1min}}},
                               .reply = busy()}}})},
      {"warm-up", "200 messages on the first day, twice as many after each good one",
       noisy({{"reputation", ReputationParameters{.cold = every_address(), .reply = busy()}}})},
      {"noise",
       "no limit, but one attempt in five fails for its recipient",
       {{"greylist", GreylistParameters{.wait = 4min, .share = 0.1}},
        {"recipients", RecipientsParameters{.unknown = 0.03, .full = 0.03, .busy = 0.04}},
        {"stray", StrayParameters{.share = 0.02}}}},
  };
}

std::vector<ReceiverSpec> punishments() {
  PenaltyBoxParameters restarting = box();
  restarting.trip.count = 5;
  restarting.length = 20min;
  restarting.ends = PenaltyEnd::restart;
  PenaltyBoxParameters forced = box();
  forced.trip_at = 6h;
  forced.length = 45min;
  const PenaltyBoxParameters half{.trip = {.on = TripOn::messages, .count = 360, .window = 10min},
                                  .length = 1h,
                                  .ends = PenaltyEnd::quiet,
                                  .quiet_count = 75,
                                  .share = 0.5,
                                  .rate_inside = {18, 1min}};
  const PenaltyBoxParameters outside{.trip_at = 6h, .length = 4h, .share = 0.5};
  return {
      {"penalty-box", "20 refusals in 5 minutes shut out for 30; every attempt then adds 2 minutes",
       noisy({{"penalty", box()}, nominal_bucket(deep_burst)})},
      {"penalty-restart",
       "5 refusals in 5 minutes shut out for 20; any attempt then starts them anew",
       noisy({{"penalty", restarting}, nominal_bucket(deep_burst)})},
      {"penalty-forced",
       "as penalty-box, and shut out for 45 minutes at 06:00 whatever the sender does",
       noisy({{"penalty", forced}, nominal_bucket(deep_burst)})},
      {"half-refused",
       "over 360 messages in 10 minutes half is refused, for an hour and until it is quiet",
       noisy({{"penalty", half}})},
      {"half-refused-outside", "half is refused from 06:00 to 10:00 whatever the sender does",
       noisy({{"penalty", outside}, nominal_bucket(30)})},
      {"silent-block",
       "SYNs are dropped from 06:00 to 09:00; every attempt adds a minute, 2 hours at most",
       noisy({{"network",
               NetworkBlockParameters{
                   .blocked = every_address(), .from = 6h, .until = 9h, .per_attempt = 1min}},
              nominal_bucket(30)})},
  };
}

}  // namespace

std::vector<ReceiverSpec> drill_personalities() {
  std::vector<ReceiverSpec> all = limits();
  std::ranges::move(punishments(), std::back_inserter(all));
  return all;
}

}  // namespace mailweir::world
