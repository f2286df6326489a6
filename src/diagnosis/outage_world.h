// A small world for tests: sources knock at the hosts of providers at random moments, something
// breaks for a while, and a Diagnosis is told what came of each knock. Seeded; virtual time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "diagnosis/diagnosis.h"

namespace mailweir::diagnosis {

enum class Trouble : std::uint8_t {
  silent_block,      // one source at one provider: SYNs are dropped
  refused_block,     // … are answered by RST
  partial_block,     // … six to nine of ten are dropped
  two_blocked,       // two sources at one provider
  host_down,         // one host of several
  tenant_host_down,  // of a provider at which each domain has hosts of its own
  tls_trouble,       // one host cuts every handshake
  provider_down,
  provider_staggered,  // source after source, within 20 s
  provider_partly,     // half to nine tenths of all knocks
  egress_one,
  egress_all,
  dns,
  two_at_once,  // a provider is down, and a source is blocked at another
  // No cause to be named:
  throttle_in_words,
  farewell_banner,  // 421 to everybody
  stray_noise,
  slow_receivers,
  flaky_host,         // one knock of ten is lost at one host
  tls_with_fallback,  // one host cuts TLS and takes the next session in clear
};
inline constexpr std::size_t troubles = 20;
std::string_view to_string(Trouble trouble);

struct OutageRun {
  Trouble trouble = Trouble::silent_block;
  std::vector<Finding> expected;  // cause and place alone
  std::vector<Finding> named;     // each once, in the order of their finding
  Instant begins{};
  Instant ends{};
  double rate = 0;           // knocks a second, of the accused source at the provider
  bool all_cleared = false;  // some minutes after the end
};

OutageRun play_outage(Trouble trouble, std::uint64_t seed);

bool is_same_place(const Finding& left, const Finding& right);

}  // namespace mailweir::diagnosis
