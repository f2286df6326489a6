// The Diagnosis compares who reaches whom: the same provider from other sources, other providers
// from this source, other hosts of the provider. Silence alone is no verdict; the comparison is.
//
// Pure: time is an argument and must not run backwards. Sources, providers and hosts are numbers of
// the caller's. Not thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "mail/reply.h"

namespace mailweir::diagnosis {

inline constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

// How one attempt to reach a host ended.
enum class Sign : std::uint8_t {
  reached,      // it spoke SMTP to us, whatever it said: a refusal in words is no outage
  timed_out,    // connect, or a reply that never came
  refused,      // RST to the SYN
  unreachable,  // ICMP, no route
  dropped,      // closed or reset where a reply was due
  tls_cut,
};
std::string_view to_string(Sign sign);

struct Contact {
  std::uint32_t source = none;
  std::uint32_t provider = none;
  std::uint32_t host = none;
  Sign sign = Sign::reached;
  Phase phase = Phase::connect;  // where it ended
  // When the attempt began; zero: unknown, taken from the time-outs of RFC 5321 section 4.5.3.2. A
  // failure that began before the last recovery is no evidence of a new one.
  Instant started{};
  // It has counted already, as overdue and without its host: this is about the host alone.
  bool host_only = false;
};

enum class Cause : std::uint8_t {
  ip_blocked,     // the provider is silent to this source alone
  provider_down,  // … to all sources
  host_down,      // one host of the provider, to all sources
  egress_down,    // this source reaches nobody, or none of the sources does (source == none)
  dns_trouble,    // names do not resolve
};
std::string_view to_string(Cause cause);

struct Tally {
  std::uint32_t reached = 0;
  std::uint32_t failed = 0;
};

// What speaks for a finding, counted over the same stretch of time.
struct Evidence {
  Tally accused;                 // the source at the provider; the host; the source; the look-ups
  Tally other_sources;           // the same provider from other sources
  Tally other_providers;         // from the same source
  Tally other_hosts;             // of the provider
  Sign sign = Sign::timed_out;   // the most frequent of the failures
  Phase phase = Phase::connect;  // and where
};

struct Finding {
  Cause cause = Cause::ip_blocked;
  std::uint32_t source = none;
  std::uint32_t provider = none;
  std::uint32_t host = none;
  Instant since{};  // the first failure of the row
  Instant found{};
  Instant cleared = never;
  Evidence evidence;
};

// A path of which one more knock would tell: connect, and QUIT if there is nothing to send.
struct Question {
  std::uint32_t source = none;
  std::uint32_t provider = none;
  std::uint32_t host = none;  // of the provider, to be tried first; none: any
};

class Diagnosis {
 public:
  Diagnosis();
  ~Diagnosis();
  Diagnosis(const Diagnosis&) = delete;
  Diagnosis& operator=(const Diagnosis&) = delete;

  void on_contact(const Contact& contact,
                  Instant now);  // O(1) amortized; no allocation in steady state
  // An answer is awaited in the session, a small number of the caller's: the opening (phase
  // connect) or a command. What is overdue counts as timed out before its time-out is told.
  void on_waiting(std::uint32_t session, const Contact& about, Instant now);
  // It came (`answered`), or the session is gone; before the on_contact() of what came. True: it
  // has counted as timed out already, so one failure of this session is not to be told again.
  bool on_answer(std::uint32_t session, bool answered, Instant now);
  void on_lookup(bool answered, Instant now);  // NXDOMAIN is an answer
  void on_time(Instant now);
  Instant next_wakeup() const;  // `never`: nothing is suspected

  // Findings that are new or have cleared since the last call.
  std::vector<Finding> take_findings();
  const std::vector<Finding>& standing() const;
  // What it would like to know, since the last call: where little is sent, a suspicion waits for
  // knocks that nobody makes. One when an opening hangs; ten seconds apart three in half a minute
  // and twelve until the path is reached again; for a host up to eighteen from each of three
  // sources, as each knock meets one of several; one of each of two siblings, and of the source at
  // two other providers, to compare with. Who does not ask finds out later.
  std::vector<Question> take_questions();
  // The caller reuses the number for another one.
  void forget_provider(std::uint32_t provider);
  void forget_host(std::uint32_t host);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::diagnosis
