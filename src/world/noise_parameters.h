// Parameters of the models of network_models.h and recipient_models.h. See parameters.h.
#pragma once

#include <vector>

#include "base/networks.h"
#include "world/model_place.h"

namespace mailweir::world {

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

// Tells some refusals of limits and penalties in words that say nothing of them.
struct MumbleParameters {
  double share = 0.2;  // of those refusals
  Wording reply{451, "4.3.0 Requested action could not be completed"};
};

// Accepts and throws away.
struct VanishParameters {
  double share = 0;           // of the messages, whoever sends
  double unwanted_share = 0;  // of those the recipients would complain of
};

}  // namespace mailweir::world
