// UnboundResolver asks DNS through libunbound: caching, and validating when it is given a trust
// anchor.
//
// Queries may be started from any thread; answers arrive on the IoThread, which also watches
// libunbound's descriptor. Every query is answered exactly once, after `query_time_max` at the
// latest, and in stop() at once (`temporary`).
//
// Hostile answers are bounded: 50 MX records, 50 addresses of a family, host names that no host can
// have are dropped, and libunbound itself ends CNAME chains that loop or grow beyond its limit. The
// implicit MX is the caller's affair.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/io_thread.h"
#include "runtime/resolver.h"

namespace mailweir::runtime {

struct UnboundOptions {
  // Recursive servers to ask: "192.0.2.53", "192.0.2.53@5353", "192.0.2.53:5353", "2001:db8::53",
  // "[2001:db8::53]:5353". Empty: those of /etc/resolv.conf.
  std::vector<std::string> servers;
  std::string trust_anchor_file;  // root key for DNSSEC, in zone file format; empty: answers are
                                  // not validated
  std::chrono::milliseconds query_time_max{20'000};
  std::size_t queries_max = 10'000;  // under way at once; further ones wait for their turn
};

class UnboundResolver final : public Resolver {
 public:
  // `invalid_argument` when a server or file is not usable. Borrows `thread`, which must run until
  // stop() has returned.
  static Result<std::unique_ptr<UnboundResolver>> create(UnboundOptions options, IoThread& thread);
  ~UnboundResolver() override;  // stop() must have been called

  void find_mx(std::string domain,
               std::function<void(std::variant<MxAnswer, DnsError>)> done) override;
  void find_addresses(std::string host, bool want_ipv6,
                      std::function<void(std::variant<AddressAnswer, DnsError>)> done) override;

  // Answers what is under way as `cancelled`, and every later query too. Idempotent. Not from the
  // IoThread.
  void stop();

 private:
  struct State;
  explicit UnboundResolver(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace mailweir::runtime
