// What people see: computed from the records when asked.
#include <algorithm>

#include "engine/engine_state.h"

namespace mailweir::engine {
namespace {

constexpr std::string_view unrouted = "";

Disposition disposition_of(const Recipient& recipient) {
  switch (recipient.stage) {
    case Stage::held:
      return Disposition::held;
    case Stage::entering:
    case Stage::routing:
    case Stage::ready:
    case Stage::in_flight:
    case Stage::deferred:
      return recipient.attempts == 0 ? Disposition::queued : Disposition::deferred;
    case Stage::settled:
      return Disposition::delivered;
  }
  return Disposition::queued;
}

// Reads one recipient for a person.
class Viewer {
 public:
  Viewer(Settings& settings, NextHopTable& next_hops, Ledger& ledger, Dispatcher& dispatcher,
         Instant now)
      : settings_(settings),
        next_hops_(next_hops),
        ledger_(ledger),
        dispatcher_(dispatcher),
        now_(now) {}

  const std::string& provider(const Recipient& recipient) const {
    const std::uint32_t hop = ledger_.domains[recipient.domain].next_hop;
    return hop == no_index ? none_ : next_hops_.hops[hop].next_hop->provider;
  }

  RecipientView view(const Recipient& recipient) const {
    const Message& message = ledger_.messages[recipient.message];
    RecipientView view;
    view.id = message.id;
    view.recipient = recipient.index;
    view.disposition = disposition_of(recipient);
    view.attempts = recipient.attempts;
    view.reply_code = recipient.reply_code;
    view.domain = ledger_.domains[recipient.domain].name;
    view.provider = provider(recipient);
    view.message_class = settings_.class_name(message.message_class);
    view.rank = settings_.rank(message.message_class);
    view.tenant = ledger_.tenants[message.tenant];
    view.campaign = ledger_.campaign_name(message.campaign);
    view.accepted = message.accepted;
    view.due = recipient.due;
    view.expires = message.expires();
    explain(recipient, view);
    return view;
  }

  bool passes(const ListFilter& filter, const Recipient& recipient) const {
    const Message& message = ledger_.messages[recipient.message];
    return (filter.domain.empty() || filter.domain == ledger_.domains[recipient.domain].name) &&
           (filter.provider.empty() || filter.provider == provider(recipient)) &&
           (filter.message_class.empty() ||
            filter.message_class == settings_.class_name(message.message_class)) &&
           (filter.tenant.empty() || filter.tenant == ledger_.tenants[message.tenant]) &&
           (filter.campaign.empty() ||
            filter.campaign == ledger_.campaign_name(message.campaign)) &&
           (!filter.disposition || *filter.disposition == disposition_of(recipient));
  }

 private:
  void explain(const Recipient& recipient, RecipientView& view) const {
    switch (recipient.stage) {
      case Stage::routing:
        view.reason = WaitReason::route;
        return;
      case Stage::held:
        view.reason = WaitReason::held;
        return;
      case Stage::deferred:
        view.reason = recipient.attempts == 0 ? WaitReason::not_before : WaitReason::retry;
        view.until = recipient.due;
        if (!recipient.is_parked) return;
        view.reason = WaitReason::learned_limit;
        view.cell = dispatcher_.cells().view_of(ledger_.messages[recipient.message],
                                                dispatcher_.provider_of(recipient), now_);
        if (view.cell) view.reason = WaitReason::cell;
        return;
      case Stage::ready: {
        const Dispatcher::Wait wait = dispatcher_.explain(recipient.place, now_);
        view.reason = wait.reason;
        view.until = wait.until;
        heed_pauses(lanes().lanes[lanes().queues[recipient.place].lane], view);
        view.tenants = tenants_in_turn(recipient.place);
        return;
      }
      case Stage::entering:
      case Stage::in_flight:
      case Stage::settled:
        view.reason = WaitReason::none;
        return;
    }
  }

  const Lanes& lanes() const { return dispatcher_.lanes(); }

  // A pause that ends by itself may let the mail go before a held path does.
  void heed_pauses(const Lane& lane, RecipientView& view) const {
    if (view.reason != WaitReason::path_paused && view.reason != WaitReason::path_held) return;
    const PathTable& paths = dispatcher_.paths();
    Instant soonest = never;
    for (const std::uint16_t source : settings_.sources_of(lane.pool))
      soonest = std::min(soonest, paths.pauses_end(source, lane.provider).value_or(never));
    const bool has_time = view.until != Instant{};
    if (soonest == never || (has_time && view.until <= soonest)) return;
    view.reason = WaitReason::path_paused;
    view.until = soonest;
  }

  // Those with mail in queues of the same hop, pool and class.
  std::uint32_t tenants_in_turn(std::uint32_t q) const {
    const Queue& own = lanes().queues[q];
    std::uint32_t count = 0;
    for (std::uint32_t other = next_hops_.hops[own.hop].queues.first; other != no_index;
         other = lanes().queues[other].of_hop.next) {
      const Queue& queue = lanes().queues[other];
      if (queue.group == own.group && !queue.recipients.empty()) ++count;
    }
    return count;
  }

  Settings& settings_;
  NextHopTable& next_hops_;
  Ledger& ledger_;
  Dispatcher& dispatcher_;
  Instant now_;
  std::string none_{unrouted};
};

void add(QueueRow& row, const Tally& tally) {
  row.ready += tally.ready;
  row.deferred += tally.deferred;
  row.held += tally.held;
  row.in_flight += tally.in_flight;
}

}  // namespace

std::string_view to_string(WaitReason reason) {
  switch (reason) {
    case WaitReason::none:
      return "none";
    case WaitReason::route:
      return "route";
    case WaitReason::not_before:
      return "not_before";
    case WaitReason::retry:
      return "retry";
    case WaitReason::held:
      return "held";
    case WaitReason::next_hop_down:
      return "next_hop_down";
    case WaitReason::learned_limit:
      return "learned_limit";
    case WaitReason::path_held:
      return "path_held";
    case WaitReason::path_paused:
      return "path_paused";
    case WaitReason::hosts_held:
      return "hosts_held";
    case WaitReason::source_unusable:
      return "source_unusable";
    case WaitReason::cell:
      return "cell";
    case WaitReason::connection_cap:
      return "connection_cap";
    case WaitReason::message_rate_cap:
      return "message_rate_cap";
    case WaitReason::connection_rate_cap:
      return "connection_rate_cap";
    case WaitReason::turn:
      return "turn";
  }
  return "unknown";
}

Totals Engine::totals() const {
  Totals totals = state_->ledger.totals();
  totals.sessions = state_->dispatcher.sessions();
  return totals;
}

// The rows of one kind, each found again by a number that its recipients know.
struct Engine::State::Rows {
  std::vector<QueueRow> rows;         // some may stay empty
  std::vector<std::uint32_t> row_of;  // number of domain, class, tenant or campaign → row

  void add_row(std::string key, const Tally& tally) {
    row_of.push_back(static_cast<std::uint32_t>(rows.size()));
    rows.push_back(QueueRow{.key = std::move(key)});
    add(rows.back(), tally);
  }
};

Engine::State::Rows Engine::State::rows(QueueKey key) const {
  Rows result;
  switch (key) {
    case QueueKey::message_class:
      for (std::uint32_t i = 0; i < ledger.classes_known(); ++i) {
        result.add_row(settings.class_name(static_cast<std::uint8_t>(i)),
                       ledger.class_tally(static_cast<std::uint8_t>(i)));
      }
      break;
    case QueueKey::tenant:
      for (std::uint32_t i = 0; i < ledger.tenants.size(); ++i)
        result.add_row(ledger.tenants[i], ledger.tenant_tally(i));
      break;
    case QueueKey::campaign:
      for (std::uint32_t i = 0; i < ledger.campaigns.size(); ++i)
        result.add_row(ledger.campaigns[i], ledger.campaign_tally(i));
      break;
    case QueueKey::domain:
      for (std::uint32_t i = 0; i < ledger.domains.extent(); ++i)
        result.add_row(ledger.domains[i].name, ledger.domains[i].tally);
      break;
    case QueueKey::provider: {
      // One row a provider, and one for domains without a route; domains point to it.
      for (std::uint32_t i = 0; i < next_hops.providers.extent(); ++i) {
        const Provider& provider = next_hops.providers[i];
        result.rows.push_back(
            QueueRow{.key = provider.names.empty() ? std::string(unrouted) : provider.key()});
      }
      result.rows.push_back(QueueRow{.key = std::string(unrouted)});
      for (std::uint32_t i = 0; i < ledger.domains.extent(); ++i) {
        const std::uint32_t hop = ledger.domains[i].next_hop;
        const std::uint32_t row = hop == no_index
                                      ? static_cast<std::uint32_t>(result.rows.size()) - 1
                                      : next_hops.hops[hop].provider;
        result.row_of.push_back(row);
        add(result.rows[row], ledger.domains[i].tally);
      }
      break;
    }
  }
  return result;
}

std::vector<QueueRow> Engine::summary(QueueKey key) const {
  const State& s = *state_;
  State::Rows result = s.rows(key);
  const auto is_empty = [](const QueueRow& row) {
    return row.ready + row.deferred + row.held + row.in_flight == 0;
  };
  auto missing = static_cast<std::size_t>(std::count_if(
      result.rows.begin(), result.rows.end(), [&](const QueueRow& row) { return !is_empty(row); }));
  // Ids rise with acceptance, so the first seen of a row is its oldest.
  s.ledger.order().walk(MessageId{0}, [&](std::uint32_t m) {
    const Message& message = s.ledger.messages[m];
    for (std::uint32_t r = message.first_recipient; r != no_index;
         r = s.ledger.recipients[r].next_of_message) {
      const Recipient& recipient = s.ledger.recipients[r];
      if (recipient.stage == Stage::settled) continue;
      const std::uint32_t number = key == QueueKey::message_class ? message.message_class
                                   : key == QueueKey::tenant      ? message.tenant
                                   : key == QueueKey::campaign    ? message.campaign
                                                                  : recipient.domain;
      Instant& oldest = result.rows[result.row_of[number]].oldest;
      if (oldest != never) continue;
      oldest = message.accepted;
      --missing;
    }
    return missing > 0;
  });
  std::erase_if(result.rows, is_empty);
  std::sort(result.rows.begin(), result.rows.end(),
            [](const QueueRow& a, const QueueRow& b) { return a.key < b.key; });
  return result.rows;
}

std::vector<PathView> Engine::paths(Instant now) const {
  const State& s = *state_;
  std::vector<PathView> views;
  const PathTable& table = s.dispatcher.paths();
  for (std::uint32_t p = 0; p < table.paths.extent(); ++p) {
    const Path& path = table[p];
    if (path.provider == no_index) continue;
    PathView view;
    view.source = s.settings.source_name(path.source);
    view.provider = s.next_hops.providers[path.provider].key();
    view.is_paused = path.pacer->is_paused();
    view.learned = s.dispatcher.learned_state(p, now);
    view.connections = path.pacer->connections();
    view.in_flight = path.recipients_in_flight;
    view.delivered = path.pacer->count(pacing::Evidence::recipient_delivered);
    view.deferred = path.pacer->count(pacing::Evidence::recipient_deferred);
    view.bounced = path.pacer->count(pacing::Evidence::recipient_bounced);
    view.caps = path.pacer->caps();
    views.push_back(std::move(view));
  }
  return views;
}

std::vector<std::string> Engine::unusable_sources(Instant now) const {
  const State& s = *state_;
  std::vector<std::string> names;
  for (std::uint16_t source = 0; source < s.settings.sources_known(); ++source) {
    if (s.settings.source_at(source) && s.dispatcher.is_unusable(source, now))
      names.push_back(s.settings.source_name(source));
  }
  return names;
}

std::vector<RecipientView> Engine::view(MessageId id, Instant now) const {
  State& s = *state_;
  std::vector<RecipientView> views;
  const std::uint32_t m = s.ledger.find(id);
  if (m == no_index) return views;
  const Viewer viewer(s.settings, s.next_hops, s.ledger, s.dispatcher, now);
  s.ledger.each_recipient(m, [&](std::uint32_t r) {
    if (s.ledger.recipients[r].stage != Stage::settled)
      views.push_back(viewer.view(s.ledger.recipients[r]));
  });
  return views;
}

std::vector<RecipientView> Engine::list(const ListFilter& filter, MessageId after,
                                        std::size_t count, Instant now) const {
  State& s = *state_;
  std::vector<RecipientView> views;
  const Viewer viewer(s.settings, s.next_hops, s.ledger, s.dispatcher, now);
  s.ledger.order().walk(after, [&](std::uint32_t m) {
    if (views.size() >= count) return false;  // a message is never cut in two by a page
    s.ledger.each_recipient(m, [&](std::uint32_t r) {
      const Recipient& recipient = s.ledger.recipients[r];
      if (recipient.stage != Stage::settled && viewer.passes(filter, recipient))
        views.push_back(viewer.view(recipient));
    });
    return true;
  });
  return views;
}

}  // namespace mailweir::engine
