// A Baseline is the part that all the mail servers we compare with have in common: queues per path,
// sessions, retries, an end for each recipient. How a path is paced is its PathPolicy's affair.
//
// Blind to classes, tenants and deadlines: first in, first out. Sources of a pool take turns at
// each message. One recipient is one transaction, and one transaction at a time goes over a
// session.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/classify_outcome.h"
#include "engine/intrusive_list.h"
#include "engine/name_table.h"
#include "engine/next_hop_table.h"
#include "engine/settings.h"
#include "engine/slab.h"
#include "engine/timer_wheel.h"
#include "engine/wake_queue.h"
#include "senders/path_policy.h"
#include "senders/sender.h"

namespace mailweir::senders {

class Baseline final : public Sender {
 public:
  // Borrows `catalogue`. Of the configuration it takes sources, pools, classes' pools, routes,
  // port.
  Baseline(engine::EngineConfig config, const provider::Catalogue& catalogue, Habits habits,
           MakePolicy make_policy);

  void on_message(const engine::MessageFacts& message, Instant now) override;
  void on_route(const engine::RouteFound& route, Instant now) override;
  void on_route_failed(const engine::RouteFailed& failure, Instant now) override;
  void on_session_opened(const engine::SessionOpened& opened, Instant now) override;
  void on_session_failed(const engine::SessionFailed& failed, Instant now) override;
  void on_transaction_done(const engine::TransactionDone& done, Instant now) override;
  void on_session_closed(const engine::SessionClosed& closed, Instant now) override;
  void on_time(Instant now) override;
  Instant next_wakeup() const override;
  std::vector<engine::Order> take_orders() override;
  engine::Totals totals() const override;  // `oldest` is not kept

 private:
  struct Letter {  // a message
    MessageId id;
    Instant accepted{};
    Instant expires{};
    std::uint16_t recipients_left = 0;
    std::uint16_t recipients_total = 0;
    std::uint8_t pool = 0;
  };
  struct Item {  // a recipient of a letter
    Instant due{};
    Instant started{};
    engine::Links links;  // Domain::waiting, Source::incoming or ::due, Path::queue, or the wheel
    std::uint32_t letter = 0;
    std::uint32_t domain = 0;
    std::uint32_t bucket = 0;  // of the wheel
    std::uint16_t index = 0;   // in the envelope
    std::uint16_t attempts = 0;
    std::uint16_t rests = 0;  // attempts, and times it was put off without one
    std::uint16_t source = 0;
    bool is_active = false;  // counted in Source::active
  };
  struct Wheel {
    static constexpr engine::Links Item::* links = &Item::links;
    static std::uint32_t& bucket(Item& item) { return item.bucket; }
    static Instant due(const Item& item) { return item.due; }
  };
  struct Domain {
    std::shared_ptr<const engine::NextHop> hop;  // null until routed
    std::uint32_t destination = engine::no_index;
    Instant fresh_until{};
    bool is_asked = false;
    engine::ListEnds waiting;
  };
  struct Source {
    engine::ListEnds incoming;  // new mail, and
    engine::ListEnds due;       // retries that wait for room in the active queue
    std::uint32_t active = 0;
    bool takes_due = false;              // whose turn it is
    std::vector<std::uint32_t> path_of;  // by destination
  };
  struct Path {
    std::unique_ptr<PathPolicy> policy;
    engine::ListEnds queue;
    std::uint32_t in_flight = 0;
    std::uint16_t source = 0;
    Instant armed = never;
    std::vector<std::uint32_t> idle;  // sessions, the longest idle first
  };
  enum class Stage : std::uint8_t { free, opening, busy, idle, closing };
  struct Session {
    SessionId id;
    std::shared_ptr<const engine::NextHop> hop;
    std::string host;
    std::uint32_t path = 0;
    std::uint32_t item = engine::no_index;
    std::uint32_t messages = 0;
    Instant opened{};
    Instant idle_since{};
    Stage stage = Stage::free;
  };

  // --- baseline_queues.cc: where a recipient waits
  std::uint32_t domain_of(std::string_view name);
  void assign(Domain& domain, std::string_view name, engine::NextHopTable::Target target,
              Instant fresh_until);
  bool assign_configured(Domain& domain, std::string_view name);
  void ask(Domain& domain, std::string_view name);
  void route(std::uint32_t item, bool is_new, Instant now);
  std::uint16_t choose_source(const Item& item, Instant now);
  std::uint32_t path_of(std::uint16_t source, std::uint32_t destination);
  void line_up(std::uint32_t item, bool is_new, Instant now);
  void admit(std::uint16_t source, Instant now);
  void enter(std::uint32_t item, Instant now);
  void put_off_queue(Path& path, Instant now);
  void rest(std::uint32_t item, Duration how_long, Instant now);
  void leave_active(Item& item);
  void settle(std::uint32_t item, const engine::RecipientResult& result, Disposition disposition,
              std::string_view host);
  void refuse(std::uint32_t item, Duration rest_for, const engine::RecipientResult& result,
              std::string_view host, Instant now);
  Waiting waiting(const Item& item, Instant now) const;
  bool has_expired(const Item& item, Instant now) const;

  // --- baseline.cc: what goes now, over which session
  void pump(std::uint32_t path, Instant now);
  bool start_next(std::uint32_t path, Instant now);
  std::uint32_t open_session(std::uint32_t path, std::uint32_t item, Instant now);
  std::uint32_t take_idle(Path& path, const engine::NextHop* hop);
  void start_transaction(std::uint32_t session);
  void finish(std::uint32_t session, const engine::RecipientResult& result,
              engine::RecipientAction action, Instant now);
  void rest_or_close(std::uint32_t session, Instant now);
  void close(std::uint32_t session);
  void close_stale(std::uint32_t path, Instant now);
  void arm(std::uint32_t path, Instant at);
  std::uint32_t find(SessionId id) const;
  std::uint32_t release_item(Session& session);

  engine::Settings settings_;
  engine::NextHopTable next_hops_;
  Habits habits_;
  MakePolicy make_policy_;
  engine::Slab<Letter> letters_;
  engine::Slab<Item> items_;
  engine::Slab<Session> sessions_;
  engine::TimerWheel<Item, Wheel> retries_{items_};
  engine::NameTable domain_names_;
  engine::NameTable destination_names_;
  engine::Slab<Domain> domains_;  // by the id of its name
  std::vector<Source> sources_;
  std::vector<std::size_t> turn_;  // of the sources of each pool
  engine::Slab<Path> paths_;
  engine::WakeQueue wakes_;
  std::vector<engine::Order> orders_;
  std::vector<std::uint32_t> fired_;  // scratch of on_time()
  std::uint64_t session_serial_ = 0;
  std::uint64_t transaction_serial_ = 0;
  engine::Totals totals_;  // without `ready`
};

}  // namespace mailweir::senders
