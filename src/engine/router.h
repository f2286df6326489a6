// The Router finds out where the mail of a domain goes: a configured route, a route still fresh, or
// a look-up, one at a time a domain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dispatcher.h"
#include "engine/ledger.h"
#include "engine/next_hop_table.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "engine/settings.h"

namespace mailweir::engine {

// Whether a StaticRoute's pattern covers the domain.
bool route_matches(std::string_view pattern, std::string_view domain);

class Router {
 public:
  Router(Ledger& ledger, NextHopTable& next_hops, Dispatcher& dispatcher, const Settings& settings,
         std::vector<Order>& orders)
      : ledger_(ledger),
        next_hops_(next_hops),
        dispatcher_(dispatcher),
        settings_(settings),
        orders_(orders) {}

  // Sends a recipient in Stage::entering on: into its queue, or to wait for the route.
  void route(std::uint32_t recipient, Lanes::Entry entry, Instant now);
  // Takes back a recipient that waits for a route; it is entering again.
  void withdraw(std::uint32_t recipient);

  void found(const RouteFound& route, Instant now);
  // The look-up failed; hands over the recipients that waited, entering.
  std::vector<std::uint32_t> failed(const RouteFailed& failure, Instant now);

  // The key of the provider that mail of the domain goes to, as far as is known without a look-up;
  // empty: not known.
  std::string provider_of(std::string_view domain) const;
  // An operator's hand names the domain: finds out where its mail goes, though none may wait.
  // Asks again after a failure for as long as the hand is unbound.
  void look_up(std::string_view domain, Instant now);
  void on_time(Instant now);
  Instant next_wakeup() const;  // when on_time() has something to do; `never`: nothing

  void resume(Instant now);        // asks for what was not asked while paused
  void reconfigured(Instant now);  // configured routes may have changed
  void sweep(Instant now);         // forgets one domain that has been without mail for long

 private:
  std::optional<NextHopTable::Target> configured_target(std::string_view domain) const;
  // The next hop configured for the domain, or no_index.
  std::uint32_t configured(std::string_view domain);
  void ask(Domain& domain);
  bool is_hand_unbound(std::string_view domain) const;  // of one that names the domain
  void look_up_again_after(const RouteFailed& failure, Instant now);
  void assign(std::uint32_t domain, std::uint32_t hop, Instant expires, Instant now);
  void bind_hands(const Domain& domain, Instant now);
  void unassign(Domain& domain);
  void drain_waiting(std::uint32_t domain);

  Ledger& ledger_;
  NextHopTable& next_hops_;
  Dispatcher& dispatcher_;
  const Settings& settings_;
  std::vector<Order>& orders_;

  // A domain whose look-up failed while a hand that names it was unbound; each is here once, so
  // there are no more of them than hands.
  struct Unbound {
    std::string domain;
    Instant ask_again{};
  };
  std::vector<Unbound> unbound_;
};

}  // namespace mailweir::engine
