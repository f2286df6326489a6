// The parameters of every model, as values. One struct is one kind of model; its formula, state and
// sources are in docs/receiver-models.md, the names to set them by in parameter_table.h.
//
// Times are counted from the `start` given to make_receiver(), which the models take as midnight.
// Shares are 0 … 1. Messages are transactions, whatever their number of recipients.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/networks.h"
#include "base/time.h"
#include "base/units.h"
#include "world/model.h"
#include "world/wording.h"

namespace mailweir::world {

using namespace std::chrono_literals;

// Who shares one count.
enum class Scope : std::uint8_t {
  ip,        // one source address
  network,   // its /24 or /64
  everyone,  // all that the receiver takes
  dkim,      // the domain that signed; unsigned mail is not counted
  spf,       // the domain of MAIL FROM; bounces are not counted
};

// How a step is refused.
enum class Manner : std::uint8_t { reply, silence, close, reset };

inline Verdict refuse(Manner manner, const Wording& wording, Cause cause) {
  constexpr Answer::Kind answers[] = {Answer::Kind::reply, Answer::Kind::silence,
                                      Answer::Kind::close, Answer::Kind::reset};
  return {.kind = answers[static_cast<std::size_t>(manner)], .cause = cause, .wording = &wording};
}

struct BucketParameters {
  Rate rate{5, 1s};
  std::uint64_t burst = 30;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct WindowParameters {
  std::uint64_t messages = 18'000;
  Duration length = 1h;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct QuotaParameters {
  std::uint64_t messages = 300'000;
  Duration length = 24h;
  Duration turn{};  // when a day begins
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct DiurnalParameters {
  Rate rate{5, 1s};  // of the day's mean
  std::uint64_t burst = 30;
  double swing = 0.5;
  double noise = 0.3;  // of the other senders, anew every `noise_slot`
  double least = 0.2;  // of `rate`
  Duration peak = 2h;  // when most is left for us
  Duration noise_slot = 10min;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct RateFrom {
  Duration at{};
  Rate rate;
  friend bool operator==(const RateFrom&, const RateFrom&) = default;
};

struct StepsParameters {
  // By time, the first at 0.
  std::vector<RateFrom> rates{{0s, {10, 1s}}, {5h, {4, 1s}}, {12h, {15, 1s}}};
  std::uint64_t burst = 30;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct ConnectionsParameters {
  std::uint64_t connections = 10;  // at once
  Scope scope = Scope::ip;
  Step phase = Step::connect;  // or mail: the excess may connect and is refused there
  Wording reply{421, "Too many concurrent SMTP connections; please try again later."};
};

struct ConnectionRateParameters {
  Rate rate{100, 1min};
  std::uint64_t burst = 10;
  Scope scope = Scope::ip;
  Manner manner = Manner::reply;
  Wording reply{421, "4.3.2 Connection rate limit exceeded"};
};

struct SessionLengthParameters {
  std::uint64_t messages = 100;
  Manner manner = Manner::reply;
  Wording reply{421, "Max message per connection reached, closing transmission channel"};
};

// What makes a penalty or a listing begin by itself.
enum class TripOn : std::uint8_t {
  never,
  refusals,  // by limits: attempts beyond what they let pass
  messages,  // tried, accepted or not
  unknown,   // recipients that do not exist
  unwanted,  // accepted messages the recipients complain of
};

struct Trigger {
  TripOn on = TripOn::never;
  std::uint64_t count = 20;  // this many …
  Duration window = 5min;    // … in this time
};

// How a penalty ends.
enum class PenaltyEnd : std::uint8_t {
  fixed,    // `length` after it began
  extend,   // as fixed, and every attempt adds `per_attempt`
  restart,  // `length` after the last attempt
  quiet,    // after `length`, once fewer than `quiet_count` were tried in the trigger's window
};

struct PenaltyBoxParameters {
  Trigger trip;
  Duration trip_at{};  // for a reason that is not the sender's doing; 0: never
  Duration length = 30min;
  PenaltyEnd ends = PenaltyEnd::fixed;
  Duration per_attempt = 2min;
  Duration length_max = 4h;  // no attempt puts the end further ahead than this
  std::uint64_t quiet_count = 75;
  double share = 1.0;       // of the attempts is refused
  Rate rate_inside{0, 1s};  // for the rest; 0: any
  Scope scope = Scope::ip;  // ip, network or everyone
  Step phase = Step::mail;  // connect … end_of_data
  Manner manner = Manner::reply;
  Wording reply{451, "4.7.500 Server busy. Please try again later from [{ip}]."};
};

struct ReputationParameters {
  std::uint64_t first = 200;  // messages a day for an unknown address
  std::uint64_t most = 40'000;
  std::uint64_t least = 100;
  double hour_share = 0.125;         // of the day's, in any one hour of the clock
  double growth = 2.0;               // after a good day
  double shrink = 0.7;               // after a bad one
  double used_share = 0.5;           // a good day uses at least this much of its limit …
  double good_refused = 0.03;        // … with fewer refused than this
  double bad_refused = 0.1;          // a bad day has more refused than this …
  double bad_unknown = 0.1;          // … or unknown recipients per message
  double bad_unwanted = 0.003;       // … or complaints per message
  Duration forget_after = 24h * 30;  // silence that makes an address unknown again
  Networks cold;                     // addresses that begin with `first`; all others with `most`
  Step phase = Step::mail;
  Wording reply;
};

struct NewIpParameters {
  std::uint64_t days = 3;        // of history that make an address known
  std::uint64_t day_count = 20;  // messages tried on a day, for it to count
  double share = 1.0;            // of a new address's attempts is refused
  Networks cold;                 // addresses without history; all others are known
  Step phase = Step::mail;
  Wording reply{451, "4.7.550 Access denied, please try again later"};
};

struct BlockListParameters {
  Networks listed;  // from `listed_at` on
  Duration listed_at{};
  Trigger trip;
  Duration length{};            // a listing ends by itself; 0: only on request
  Duration delist_after = 24h;  // from the request (`release`) to the end
  Scope scope = Scope::ip;      // ip or network
  Step phase = Step::connect;
  Manner manner = Manner::reply;
  Wording reply{554, "5.7.1 Service unavailable; Client host [{ip}] blocked"};
};

enum class NetworkFault : std::uint8_t {
  drop_syn,     // nothing answers
  refuse,       // RST in answer to the SYN
  close,        // accepted and closed before the banner
  slow_banner,  // the banner comes after `delay`
  cut_ehlo,     // RST after EHLO,
  cut_mail,     // after MAIL,
  cut_data,     // after DATA,
  mute_ehlo,    // no answer to EHLO, ever
  tarpit,       // every answer after `delay`
  cut_tls,      // closed in the handshake
};

struct NetworkBlockParameters {
  Networks blocked;  // from `from` until `until`
  Duration from{};
  Duration until{};             // 0: for ever
  Duration per_attempt{};       // each connection puts the end off by this, …
  Duration extension_max = 2h;  // … all together by this at most
  NetworkFault fault = NetworkFault::drop_syn;
  Duration delay = 30s;
};

struct OutageParameters {
  std::vector<std::uint64_t> hosts;  // MX hosts that are down, numbered from 0
  Duration from{};
  Duration until{};  // 0: for ever
  Manner manner = Manner::silence;
  Wording reply{421, "4.3.2 Service not available, closing transmission channel"};
};

struct TarpitParameters {
  Duration banner = 10s;
  Duration command = 500ms;      // every answer of the first message, …
  Duration per_message = 250ms;  // … and more for each one accepted in the session,
  Duration command_max = 5s;     // up to this
};

struct GreylistParameters {
  Duration wait = 5min;         // a retry this long after the first try passes, …
  Duration forget_after = 12h;  // … unless it comes later than this
  Duration known_for = 24h * 35;
  double share = 1.0;  // of the recipients
  std::uint64_t entries_max = 1 << 20;
  Wording reply{450, "4.7.1 <{mailbox}>: Recipient address rejected: Greylisted"};
};

// Shares of all mailboxes that are so for good, but `busy`, which is a share of the tries.
struct RecipientsParameters {
  double unknown = 0;
  double full = 0;
  double filtered = 0;  // its owner refuses us, at the final dot
  double busy = 0;
  std::uint64_t per_message = 0;  // more recipients than this are refused; 0: any number
  Wording unknown_reply{550, "5.1.1 <{mailbox}>: User unknown"};
  Wording full_reply{452, "4.2.2 <{mailbox}>: Mailbox full"};
  Wording filtered_reply{550, "5.7.1 Message refused"};
  Wording busy_reply{450, "4.2.1 <{mailbox}>: User is receiving mail too quickly"};
  Wording per_message_reply{452, "4.5.3 Too many recipients"};
};

// Trouble that means nothing.
struct StrayParameters {
  double share = 0;
  Step phase = Step::rcpt;
  Manner manner = Manner::reply;
  Wording reply{451, "4.3.0 Temporary server error. Please try again later"};
};

// Accepts and throws away.
struct VanishParameters {
  double share = 0;           // of the messages, whoever sends
  double unwanted_share = 0;  // of those the recipients would complain of
};

using ModelParameters =
    std::variant<BucketParameters, WindowParameters, QuotaParameters, DiurnalParameters,
                 StepsParameters, ConnectionsParameters, ConnectionRateParameters,
                 SessionLengthParameters, PenaltyBoxParameters, ReputationParameters,
                 NewIpParameters, BlockListParameters, NetworkBlockParameters, OutageParameters,
                 TarpitParameters, GreylistParameters, RecipientsParameters, StrayParameters,
                 VanishParameters>;

}  // namespace mailweir::world
