// Admin's answers about paths, and what an operator does to them.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <tuple>
#include <utility>

#include "mail/mailbox.h"
#include "server/admin.h"
#include "server/path_names.h"
#include "server/siblings.h"

namespace mailweir::server {
namespace {

constexpr std::size_t stopped_paths_shown = 10;
constexpr std::size_t recipients_looked_at = 1000;
constexpr std::size_t recipients_explained = 20;
constexpr std::size_t slowed_max = 256;

bool agrees(std::string_view wanted, std::string_view name) {
  return wanted.empty() || wanted == name;
}

// What a person looks for first: what stands, then what recovers, then the busiest.
auto importance(const engine::PathView& path) {
  const bool is_ramping = path.learned && path.learned->mode == pacing::Mode::ramp;
  return std::tuple(!is_held(path), !path.is_paused, !is_ramping, ~path.in_flight, ~path.delivered,
                    std::string_view(path.provider), std::string_view(path.source));
}

std::vector<engine::PathView> matching(std::vector<engine::PathView> paths,
                                       const std::string& source, const std::string& provider) {
  std::erase_if(paths, [&](const engine::PathView& path) {
    return !agrees(source, path.source) || !agrees(provider, path.provider);
  });
  return paths;
}

std::string_view shown(const std::string& name) {
  return name.empty() ? std::string_view("*") : std::string_view(name);
}

// A rate that can be written: whole messages in the shortest period that holds ten of them.
Rate rounded_rate(double per_second) {
  using std::chrono::seconds, std::chrono::minutes, std::chrono::hours;
  if (per_second >= 10) return {static_cast<std::uint64_t>(std::lround(per_second)), seconds(1)};
  if (per_second * 60 >= 10)
    return {static_cast<std::uint64_t>(std::lround(per_second * 60)), minutes(1)};
  return {static_cast<std::uint64_t>(std::max(1L, std::lround(per_second * 3600))), hours(1)};
}

// While a path is held or verified its present pace is the canaries' and the ramp's: what counts is
// what it carried before. Infinite: not known.
double learned_pace_of(const pacing::LearnedState& learned) {
  if (learned.mode == pacing::Mode::open) return learned.pace;
  if (learned.sustained > 0) return learned.sustained;
  // Silence says nothing against the pace from before, and the ramp has one of its own.
  const bool is_refused =
      learned.mode == pacing::Mode::held && learned.cause != pacing::HoldCause::network;
  return is_refused ? pacing::unlimited : learned.pace;
}

double pace_of(const engine::PathView& path) {
  double pace = path.learned ? learned_pace_of(*path.learned) : pacing::unlimited;
  if (const auto& cap = path.caps.message_rate)
    pace = std::min(
        pace, static_cast<double>(cap->events) * 1e6 / static_cast<double>(cap->period.count()));
  return pace;
}

// The paths that were named, as found: what is asked about them.
Result<ProviderName> find_paths(const engine::Engine& engine, const provider::Catalogue& catalogue,
                                const std::string& source, const std::string& provider,
                                Instant now) {
  WEIR_CHECK(check_source(engine, source));
  return find_provider(engine, catalogue, provider, now);
}

engine::PathHand hand_of(const console::HandOrder& order, const ProviderName& provider,
                         Instant now) {
  engine::PathHand hand;
  hand.action = order.kind == console::HandOrder::Kind::pause ? engine::PathHand::Action::pause
                                                              : engine::PathHand::Action::cap;
  hand.source = order.source;
  hand.provider = provider.name;
  hand.names_domain = provider.is_domain;
  if (provider.is_domain) hand.bound = provider.key;
  hand.rate = order.rate;
  hand.connections = order.connections;
  if (order.lasts) hand.until = now + *order.lasts;
  hand.reason = order.reason;
  hand.by = order.actor;
  return hand;
}

struct Slowing {
  std::vector<engine::PathHand> hands;
  std::vector<console::PassedOver> passed_over;
};

// A cap at half of the pace of each path that has one; the others are told.
Result<Slowing> slow_down(const std::vector<engine::PathView>& paths,
                          const console::HandOrder& order, const ProviderName& provider,
                          Instant now) {
  Slowing slowing;
  for (const engine::PathView& path : paths) {
    const double pace = pace_of(path);
    if (!std::isfinite(pace)) {
      slowing.passed_over.push_back({path.source, path.provider, is_held(path)});
      continue;
    }
    engine::PathHand hand = hand_of(order, ProviderName{path.provider, path.provider}, now);
    hand.source = path.source;
    hand.rate = rounded_rate(pace / 2);
    slowing.hands.push_back(std::move(hand));
  }
  if (paths.empty() && provider.is_unknown()) return fail_unknown(provider);
  if (paths.empty()) {
    return fail(Errc::refused, fmt::format("{} → {} is not in use, so it has no pace to slow down "
                                           "from; give --rate, or pause it",
                                           shown(order.source), shown(provider.name)));
  }
  if (slowing.hands.empty()) {
    return fail(Errc::refused,
                fmt::format("no pace is known of {} → {} to slow down from (a held path goes by "
                            "canaries alone until it has recovered); give --rate, or pause it",
                            shown(order.source), shown(provider.name)));
  }
  if (slowing.hands.size() > slowed_max) {
    return fail(Errc::refused, fmt::format("{} paths are too many to slow one by one; give --rate",
                                           slowing.hands.size()));
  }
  return slowing;
}

// The pool a message leaves by, as the engine chooses it.
std::string pool_in_force(const engine::EngineConfig& config, const std::string& of_message,
                          const std::string& class_name) {
  const auto is_there = [&](const std::string& pool) {
    return std::ranges::find(config.pools, pool, &engine::EgressPool::name) != config.pools.end();
  };
  if (!of_message.empty() && is_there(of_message)) return of_message;
  const auto found = std::ranges::find(config.classes, class_name, &engine::MessageClass::name);
  const engine::MessageClass& its_class =
      found == config.classes.end() ? config.classes.front() : *found;
  return !its_class.pool.empty() && is_there(its_class.pool) ? its_class.pool
                                                             : config.pools.front().name;
}

void add_place(console::RecipientExplanation& explanation, const engine::Engine& engine,
               Siblings& siblings, console::RecipientExplanation::Waiting& waiting) {
  const engine::EngineConfig& config = engine.config();
  waiting.pool = pool_in_force(config, waiting.pool, waiting.view.message_class);
  const std::string& provider = waiting.view.provider;
  if (provider.empty()) return;
  const bool is_known = std::ranges::any_of(explanation.places, [&](const auto& place) {
    return place.provider == provider && place.pool == waiting.pool;
  });
  if (is_known) return;
  console::RecipientExplanation::Place place{provider, waiting.pool, {}};
  const auto pool = std::ranges::find(config.pools, waiting.pool, &engine::EgressPool::name);
  for (const std::uint16_t source : pool->sources)
    place.paths.push_back(siblings.explain(config.sources[source].name, provider));
  explanation.places.push_back(std::move(place));
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string overlap_text(const std::vector<engine::PathHand>& hands) {
  std::string text;
  for (const engine::PathHand& hand : hands) {
    text += fmt::format("{}{} ({} → {})", text.empty() ? "" : ", ", hand.id, shown(hand.source),
                        shown(hand.provider));
  }
  return text;
}

std::vector<engine::PathHand> pauses_over(const engine::Engine& engine, const std::string& source,
                                          const ProviderName& provider) {
  std::vector<engine::PathHand> hands = engine.hands();
  std::erase_if(hands, [&](const engine::PathHand& hand) {
    const bool meets =
        (hand.source.empty() || agrees(source, hand.source)) &&
        (hand.provider.empty() || agrees(provider.wanted(), hand.provider) ||
         provider.wanted() == hand.bound || (provider.is_domain && provider.name == hand.provider));
    return hand.action != engine::PathHand::Action::pause || !meets;
  });
  return hands;
}

std::unexpected<Error> fail_not_paused(const std::string& source, const ProviderName& provider,
                                       const std::vector<engine::PathHand>& left) {
  if (!left.empty()) {
    return fail(Errc::refused, fmt::format("it is paused by {}, which reaches further; take that "
                                           "back with `mailweir path undo ID`",
                                           overlap_text(left)));
  }
  if (provider.is_unknown()) return fail_unknown(provider);
  return fail(Errc::not_found,
              fmt::format("{} → {} is not paused", shown(source), shown(provider.wanted())));
}

}  // namespace

// Whose mail is to be explained.
struct Admin::Target {
  std::string text;  // as it was asked for
  MessageId id{};
  std::string mailbox;  // empty: any of the domain, or of the message
  std::string domain;
};

void Admin::add_stopped_paths(console::ServerStatus& status, const engine::Engine& engine,
                              Instant now) const {
  status.findings = engine.findings();
  Siblings siblings(status.paths, engine, ports_.recorder.paths(), now);
  for (const engine::PathView& path : status.paths) {
    if (is_held(path)) ++status.paths_held;
    if (path.is_paused) ++status.paths_paused;
    if (!is_held(path) && !path.is_paused) continue;
    ++status.paths_stopped;
    if (status.stopped_paths.size() < stopped_paths_shown)
      status.stopped_paths.push_back(siblings.explain(path.source, path.provider));
  }
}

void Admin::paths(console::PathQuery query, console::Done<console::PathList> done) {
  ports_.relay.with_engine([this, query = std::move(query), done = std::move(done)](
                               engine::Engine& engine, Instant now) mutable {
    const auto provider = find_paths(engine, ports_.catalogue, query.source, query.provider, now);
    if (!provider) return done(std::unexpected(provider.error()));
    const auto all = engine.paths(now);
    Siblings siblings(all, engine, ports_.recorder.paths(), now);
    auto wanted = matching(all, query.source, provider->wanted());
    console::PathList list{.moment = moment(now), .paths = {}, .total = wanted.size()};
    list.held = static_cast<std::uint64_t>(std::ranges::count_if(wanted, is_held));
    std::ranges::sort(wanted,
                      [](const auto& a, const auto& b) { return importance(a) < importance(b); });
    if (wanted.size() > query.count) wanted.resize(query.count);
    for (const engine::PathView& path : wanted)
      list.paths.push_back(siblings.explain(path.source, path.provider));
    done(std::move(list));
  });
}

void Admin::explain_path(std::string source, std::string provider,
                         console::Done<console::PathList> done) {
  ports_.relay.with_engine([this, source = std::move(source), provider = std::move(provider),
                            done = std::move(done)](engine::Engine& engine, Instant now) mutable {
    const auto known = find_paths(engine, ports_.catalogue, source, provider, now);
    if (!known) return done(std::unexpected(known.error()));
    if (known->is_unknown()) return done(fail_unknown(*known));
    provider = known->wanted();
    Siblings siblings(engine.paths(now), engine, ports_.recorder.paths(), now);
    console::PathList list{.moment = moment(now), .paths = {}, .total = 1};
    list.paths.push_back(siblings.explain(source, provider));
    list.held = engine.is_held(source, provider) ? 1 : 0;
    done(std::move(list));
  });
}

void Admin::explain_recipient(std::string text, console::Done<console::RecipientExplanation> done) {
  Target target{.text = text, .id = {}, .mailbox = {}, .domain = {}};
  if (text.contains('@')) {
    const bool is_bracketed = text.size() > 2 && text.front() == '<' && text.back() == '>';
    const auto mailbox =
        Mailbox::parse(is_bracketed ? text.substr(1, text.size() - 2) : text, AddressCharset::utf8);
    if (!mailbox) return done(fail(Errc::invalid_argument, mailbox.error().context));
    target.mailbox = mailbox->text();
    target.domain = mailbox->domain();
  } else if (const auto id = parse_message_id(text)) {
    target.id = *id;
  } else {
    const auto domain = normalize_domain(text, AddressCharset::utf8);
    if (!domain) {
      return done(fail(Errc::invalid_argument,
                       fmt::format("\"{}\" is no message id, no address and no domain", text)));
    }
    target.domain = *domain;
  }
  ports_.relay.with_engine([this, target = std::move(target), done = std::move(done)](
                               engine::Engine& engine, Instant now) {
    engine::ListFilter filter;
    filter.domain = target.domain;
    auto views = target.domain.empty()
                     ? engine.view(target.id, now)
                     : engine.list(filter, MessageId{}, recipients_looked_at, now);
    ports_.reader.post(
        [this, target, views = std::move(views), done] { read_waiting(target, views, done); });
  });
}

// On the reader's thread: what only the spool knows; then back to the engine for the paths.
void Admin::read_waiting(const Target& target, const std::vector<engine::RecipientView>& views,
                         const console::Done<console::RecipientExplanation>& done) {
  console::RecipientExplanation found = collect_waiting(target, views, std::equal_to<>());
  // Hardly any receiver tells two mailboxes apart by their case.
  if (found.recipients.empty() && !target.mailbox.empty())
    found = collect_waiting(target, views, equal_without_case);
  if (found.recipients.empty()) {
    return done(fail(
        Errc::not_found,
        target.domain.empty()
            ? fmt::format("nothing that waits is for {0}; if it has left the queue, `mailweir "
                          "trace {0}` tells what became of it",
                          to_string(target.id))
            : fmt::format("nothing that waits is for {0}; if it has left the queue, the event log "
                          "(events.path) names its id (grep -F '{0}'), and `mailweir trace ID` "
                          "tells what became of it",
                          target.text)));
  }
  ports_.relay.with_engine(
      [this, found = std::move(found), done](engine::Engine& engine, Instant now) mutable {
        found.moment = moment(now);
        Siblings siblings(engine.paths(now), engine, ports_.recorder.paths(), now);
        for (auto& waiting : found.recipients) add_place(found, engine, siblings, waiting);
        done(std::move(found));
      });
}

console::RecipientExplanation Admin::collect_waiting(
    const Target& target, const std::vector<engine::RecipientView>& views,
    const SameMailbox& is_same) const {
  console::RecipientExplanation found;
  found.is_of_domain = !target.domain.empty() && target.mailbox.empty();
  found.is_all_counted = target.domain.empty() || views.size() < recipients_looked_at;
  for (const engine::RecipientView& view : views) {
    const auto stored = ports_.spool.read_message(view.id);
    if (!stored || view.recipient >= stored->envelope.recipients.size()) continue;
    console::RecipientExplanation::Waiting waiting;
    waiting.mailbox = stored->envelope.recipients[view.recipient].mailbox.text();
    if (!target.mailbox.empty() && !is_same(waiting.mailbox, target.mailbox)) continue;
    if (found.recipients.size() == recipients_explained) {
      found.has_more = true;
      ++found.more;
      continue;
    }
    waiting.pool = stored->pool;
    if (const auto state = ports_.spool.read_state(view.id, view.recipient); state && *state)
      waiting.reply_text = (*state)->reply_text;
    waiting.view = view;
    found.recipients.push_back(std::move(waiting));
  }
  return found;
}

void Admin::hands(console::Done<console::HandList> done) {
  ports_.relay.with_engine([this, done = std::move(done)](engine::Engine& engine, Instant now) {
    done(console::HandList{moment(now), engine.hands(), {}, {}, {}});
  });
}

void Admin::set_hand(console::HandOrder order, console::Done<console::HandList> done) {
  ports_.relay.with_engine([this, order = std::move(order), done = std::move(done)](
                               engine::Engine& engine, Instant now) mutable {
    const auto provider = find_paths(engine, ports_.catalogue, order.source, order.provider, now);
    if (!provider) return done(std::unexpected(provider.error()));
    const auto covered = matching(engine.paths(now), order.source, provider->wanted());
    Slowing laid;
    if (order.kind == console::HandOrder::Kind::slow && !order.rate) {
      auto slowing = slow_down(covered, order, *provider, now);
      if (!slowing) return done(std::unexpected(std::move(slowing).error()));
      laid = std::move(*slowing);
    } else {
      laid.hands.push_back(hand_of(order, *provider, now));
    }
    console::HandList answer{.covered = covered.size() - laid.passed_over.size(),
                             .passed_over = std::move(laid.passed_over)};
    ports_.relay.set_hands(std::move(laid.hands), [this, done, answer](auto set) mutable {
      if (!set) return done(std::unexpected(std::move(set).error()));
      answer.moment = moment(ports_.clock.now());
      answer.hands = std::move(*set);
      done(std::move(answer));
    });
  });
}

void Admin::resume(console::PathOrder order, console::Done<console::HandList> done) {
  ports_.relay.with_engine([this, order = std::move(order), done = std::move(done)](
                               engine::Engine& engine, Instant now) mutable {
    auto found = find_paths(engine, ports_.catalogue, order.source, order.provider, now);
    if (!found) return done(std::unexpected(found.error()));
    ProviderName provider = std::move(*found);
    // The domain's mail may go elsewhere than when the hand was laid.
    relay::HandsWanted wanted{0, order.source, provider.wanted(),
                              provider.is_domain ? provider.name : std::string()};
    relay::OperatorNote note{order.actor, order.reason};
    ports_.relay.remove_hands(
        std::move(wanted), std::move(note),
        [this, source = order.source, provider = std::move(provider), done](auto removed) {
          if (!removed) return done(std::unexpected(std::move(removed).error()));
          ports_.relay.with_engine([this, source, provider, done, removed = std::move(*removed)](
                                       engine::Engine& after, Instant then) mutable {
            auto left = pauses_over(after, source, provider);
            if (removed.empty()) return done(fail_not_paused(source, provider, left));
            done(console::HandList{moment(then), std::move(removed), std::move(left), {}, {}});
          });
        });
  });
}

void Admin::undo(std::uint64_t hand, console::PathOrder order,
                 console::Done<console::HandList> done) {
  ports_.relay.remove_hands(
      {hand, {}, {}}, {std::move(order.actor), std::move(order.reason)},
      [this, hand, done = std::move(done)](auto removed) {
        if (!removed) return done(std::unexpected(std::move(removed).error()));
        if (removed->empty()) {
          return done(fail(Errc::not_found,
                           fmt::format("nothing with the id {} is in force; `mailweir path hands` "
                                       "lists what is",
                                       hand)));
        }
        done(console::HandList{moment(ports_.clock.now()), std::move(*removed), {}, {}, {}});
      });
}

void Admin::forget(console::PathOrder order, console::Done<console::ForgottenPaths> done) {
  ports_.relay.with_engine([this, order = std::move(order), done = std::move(done)](
                               engine::Engine& engine, Instant now) mutable {
    const auto provider = find_paths(engine, ports_.catalogue, order.source, order.provider, now);
    if (!provider) return done(std::unexpected(provider.error()));
    order.provider = provider->wanted();
    ports_.relay.forget_paths(
        {order.source, order.provider}, {order.actor, order.reason},
        [this, order, done](auto forgotten) {
          if (!forgotten) return done(std::unexpected(std::move(forgotten).error()));
          if (forgotten->hand.id == 0) {
            return done(
                fail(Errc::not_found, fmt::format("nothing is known of {} → {}",
                                                  shown(order.source), shown(order.provider))));
          }
          done(console::ForgottenPaths{moment(ports_.clock.now()), std::move(forgotten->hand),
                                       std::move(forgotten->paths), std::move(forgotten->cells),
                                       forgotten->hosts, std::move(forgotten->slowed)});
        });
  });
}

void Admin::unknown_refusals(console::Done<console::UnknownRefusalList> done) {
  ports_.relay.with_engine([this, done = std::move(done)](engine::Engine&, Instant) {
    const provider::UnknownRefusals& unknown = ports_.recorder.paths().unknown_refusals();
    done(console::UnknownRefusalList{unknown.total(), unknown.entries()});
  });
}

}  // namespace mailweir::server
