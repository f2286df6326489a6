#include "engine/test_world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/assert.h"
#include "provider/catalogue.h"

namespace mailweir::engine {
namespace {

std::string text_of(const std::vector<std::uint16_t>& recipients) {
  return fmt::format("{}", fmt::join(recipients, ","));
}

}  // namespace

Reply reply_of(std::uint16_t code, std::string text) {
  return Reply{code, parse_enhanced_status(text), std::move(text)};
}

EngineConfig plain_config() {
  EngineConfig config;
  config.sources = {{"s1", "192.0.2.1", "", "out1.example.net"}};
  config.pools = {{"main", {0}}};
  config.classes = {{.name = "bulk"}};
  config.retry.jitter = 0;
  return config;
}

EngineConfig learning_config(std::size_t sources) {
  EngineConfig config = plain_config();
  config.sources.clear();
  config.pools = {{"main", {}}};
  for (std::size_t i = 0; i < sources; ++i) {
    config.sources.push_back({"s" + std::to_string(i + 1), "192.0.2." + std::to_string(i + 1), "",
                              "out.example", false});
    config.pools[0].sources.push_back(static_cast<std::uint16_t>(i));
  }
  config.pacing.learns = true;
  return config;
}

World::TransactionFate refusal(Phase phase, std::uint16_t code, const std::string& text) {
  return {.recipients = {{phase, Failure::none, reply_of(code, text)}}};
}

std::string source_of(const World& world, const StartTransaction& order) {
  for (auto start = world.starts.rbegin(); start != world.starts.rend(); ++start) {
    if (start->session == order.session) return start->source;
  }
  return {};
}

World::World(EngineConfig config, std::uint64_t seed)
    : engine_random(seed),
      random(seed + 1'000'000),
      engine(std::make_unique<Engine>(std::move(config), provider::Catalogue::embedded(),
                                      engine_random)) {
  route = [](const std::string& domain) { return RouteFate{.hosts = {{10, "mx." + domain}}}; };
  opening = [](const OpenSession&) { return OpeningFate{}; };
  transaction = [](const StartTransaction& order) {
    return TransactionFate{.recipients = std::vector<RecipientFate>(order.recipients.size())};
  };
}

MessageId World::send(const Mail& mail) {
  std::vector<RecipientFacts> recipients;
  for (const std::string& domain : mail.domains) {
    RecipientFacts facts;
    facts.recipient = static_cast<std::uint16_t>(recipients.size());
    facts.domain = domain;
    recipients.push_back(facts);
  }
  MessageFacts facts;
  facts.id = MessageId{++last_id};
  facts.message_class = mail.message_class;
  facts.tenant = mail.tenant;
  facts.pool = mail.pool;
  facts.dkim_domain = mail.dkim_domain;
  facts.campaign = mail.campaign;
  facts.size = mail.size;
  dkim_domains[facts.id.value] = mail.dkim_domain;
  facts.accepted = now;
  facts.expires = now + mail.expiry;
  if (mail.not_before != Duration{}) facts.not_before = now + mail.not_before;
  if (mail.deadline != Duration{}) facts.deadline = now + mail.deadline;
  facts.recipients = recipients;
  facts.recipients_total = static_cast<std::uint16_t>(recipients.size());
  restore(facts);
  return facts.id;
}

void World::restore(const MessageFacts& facts) {
  accepted_recipients += facts.recipients.size();
  last_id = std::max(last_id, facts.id.value);
  accepted_at[facts.id.value] = now;
  engine->on_message(facts, now);
  carry_out();
}

Forgotten World::forget(const PathName& wanted) {
  return with_engine([&](Engine& e) {
    Forgotten forgotten = e.forget(wanted, now);
    std::vector<PathName> names;
    for (const auto& [name, image] : forgotten.images) names.push_back(name);
    e.keep_anew(names, now);
    return forgotten;
  });
}

void World::recall(const Forgotten& forgotten, Duration after) {
  with_engine([&](Engine& e) {
    for (const auto& [name, image] : forgotten.images)
      e.recall(name, image.bytes, image.age + after, now);
    return true;
  });
}

void World::run_for(Duration length) {
  const Instant until = now + length;
  while (true) {
    const Instant wake = engine->next_wakeup();
    const Instant event = events.empty() ? never : events.begin()->first;
    const Instant next = std::min(wake, event);
    if (next > until) break;
    now = std::max(now, next);
    if (event <= wake) {
      const auto what = std::move(events.begin()->second);
      events.erase(events.begin());
      what();
    } else {
      engine->on_time(now);
      carry_out();
    }
    if (after_step) after_step();
  }
  now = until;
}

bool World::drain(Duration most) {
  const Instant until = now + most;
  while (engine->totals().recipients > 0 && now < until) {
    const Instant next =
        std::min(engine->next_wakeup(), events.empty() ? never : events.begin()->first);
    if (next == never) break;  // nothing will ever happen
    run_for(std::max<Duration>(next - now, 0us));
  }
  return engine->totals().recipients == 0;
}

const World::End* World::end_of(MessageId id, std::uint16_t recipient) const {
  const auto found = ends.find({id.value, recipient});
  return found == ends.end() ? nullptr : &found->second;
}

std::size_t World::count(Disposition disposition) const {
  return static_cast<std::size_t>(std::count_if(ends.begin(), ends.end(), [&](const auto& row) {
    return row.second.disposition == disposition;
  }));
}

std::size_t World::resolves(const std::string& domain) const {
  return static_cast<std::size_t>(std::count_if(
      resolved.begin(), resolved.end(), [&](const auto& row) { return row.second == domain; }));
}

std::map<std::pair<std::string, std::string>, std::size_t> World::busy_sessions() const {
  std::map<std::pair<std::string, std::string>, std::size_t> busy;
  for (const auto& [id, session] : sessions) {
    if (!session.open || session.in_flight > 0)
      ++busy[{session.source, session.next_hop->provider}];
  }
  return busy;
}

void World::carry_out() {
  for (const Order& order : engine->take_orders()) {
    std::visit([&](const auto& o) { carry_out(o); }, order);
  }
}

void World::carry_out(const ResolveRoute& order) {
  log.push_back(fmt::format("{} resolve {}", now.time_since_epoch().count(), order.domain));
  resolved.emplace_back(now, order.domain);
  at(now + 5ms, [this, domain = order.domain] {
    const RouteFate fate = route(domain);
    if (fate.failure == Failure::none) {
      engine->on_route({domain, fate.hosts, fate.time_to_live}, now);
    } else {
      engine->on_route_failed({domain, fate.failure, "scripted"}, now);
    }
    carry_out();
  });
}

void World::carry_out(const OpenSession& order) {
  Session& session = sessions[order.session];
  WEIR_ASSERT(session.next_hop == nullptr);
  session.next_hop = order.next_hop;
  session.source = engine->config().sources.at(order.source).name;
  log.push_back(fmt::format("{} open {} {} {}", now.time_since_epoch().count(), order.session.value,
                            session.source, order.next_hop->hosts.front().name));
  opens.push_back(
      {now, session.source, order.next_hop->provider, order.next_hop->hosts.front().name});
  const auto key = std::pair(session.source, order.next_hop->provider);
  connections_most[key] = std::max(connections_most[key], ++connections[key]);
  const OpeningFate fate = opening(order);
  if (fate.connects) {
    at(now + 20ms, [this, id = order.session, host = order.next_hop->hosts.front().name] {
      engine->on_session_connected({id, host}, now);
    });
  }
  at(now + fate.takes, [this, fate, id = order.session] {
    Session& it = sessions.at(id);
    const std::string& first = it.next_hop->hosts.front().name;
    const std::string host = fate.host.empty() ? first : fate.host;
    it.host = host;
    if (fate.failure == Failure::none && fate.reply.code == 0) {
      it.open = true;
      it.free_at = now;
      engine->on_session_opened({id, host, "192.0.2.99:25", "", fate.failed_before, {}}, now);
    } else {
      --connections[{it.source, it.next_hop->provider}];
      sessions.erase(id);
      engine->on_session_failed(
          {id, {{host, "192.0.2.99:25", fate.phase, fate.failure, fate.reply, fate.takes, ""}}},
          now);
    }
    carry_out();
  });
}

void World::carry_out(const StartTransaction& order) {
  Session& session = sessions.at(order.session);
  EXPECT_TRUE(session.open) << "a transaction in a session that is not open";
  EXPECT_FALSE(session.quit) << "a transaction behind QUIT";
  EXPECT_LT(session.in_flight, engine->config().transactions_ahead);
  ++session.in_flight;
  log.push_back(fmt::format("{} start {} {} {}:{}", now.time_since_epoch().count(),
                            order.session.value, order.transaction.value, order.message.value,
                            text_of(order.recipients)));
  starts.push_back({now, order.session, order.message, order.recipients, session.source,
                    session.next_hop->provider, session.next_hop->hosts.front().name});
  for (const std::uint16_t recipient : order.recipients) {
    const RecipientKey key{order.message.value, recipient};
    EXPECT_TRUE(in_flight.insert(key).second) << "twice in flight";
    EXPECT_FALSE(ends.contains(key)) << "sent after its end";
  }
  const TransactionFate fate = transaction(order);
  const Instant started = std::max(now, session.free_at);
  session.free_at = started + fate.takes;
  at(session.free_at, [this, order, fate, started] { finish_transaction(order, fate, started); });
}

void World::finish_transaction(const StartTransaction& order, const TransactionFate& fate,
                               Instant started) {
  const auto found = sessions.find(order.session);
  if (found == sessions.end()) return;  // it was answered when the session ended
  --found->second.in_flight;
  TransactionDone done{order.session,
                       order.transaction,
                       order.message,
                       {},
                       {},
                       "",
                       fate.started ? started : Instant{}};
  for (std::size_t i = 0; i < order.recipients.size(); ++i) {
    const RecipientFate& its = fate.recipients.at(i);
    done.results.push_back({order.recipients[i], its.phase, its.failure, its.reply});
    in_flight.erase({order.message.value, order.recipients[i]});
  }
  engine->on_transaction_done(done, now);
  const bool quit = found->second.quit && found->second.in_flight == 0;
  carry_out();
  if (fate.closes_session) {
    end_session(order.session, Failure::closed);
  } else if (quit) {
    end_session(order.session, Failure::none);
  }
}

void World::end_session(SessionId id, Failure failure) {
  const auto found = sessions.find(id);
  if (found == sessions.end()) return;
  --connections[{found->second.source, found->second.next_hop->provider}];
  // What was ordered behind it was never sent.
  std::vector<Start> open;
  for (const Start& start : starts) {
    if (start.session == id && in_flight.contains({start.message.value, start.recipients.front()}))
      open.push_back(start);
  }
  for (const Start& start : open) {
    for (const std::uint16_t recipient : start.recipients)
      in_flight.erase({start.message.value, recipient});
  }
  sessions.erase(found);
  engine->on_session_closed({id, failure, {}}, now);
  carry_out();
}

void World::carry_out(const CloseSession& order) {
  log.push_back(fmt::format("{} close {}", now.time_since_epoch().count(), order.session.value));
  const auto found = sessions.find(order.session);
  if (found == sessions.end()) return;
  EXPECT_FALSE(found->second.quit) << "closed twice";
  found->second.quit = true;
  if (found->second.in_flight == 0) {
    at(now + 1ms, [this, id = order.session] { end_session(id, Failure::none); });
  }
}

void World::carry_out(const RecordState& order) {
  log.push_back(fmt::format("{} record {}:{} {} {} {}", now.time_since_epoch().count(),
                            order.message.value, order.recipient, to_string(order.disposition),
                            order.attempts, order.due.time_since_epoch().count()));
  records.push_back(order);
}

void World::carry_out(const Settle& order) {
  log.push_back(fmt::format("{} settle {}:{} {} {}", now.time_since_epoch().count(),
                            order.message.value, order.recipient, to_string(order.disposition),
                            order.attempts));
  const RecipientKey key{order.message.value, order.recipient};
  EXPECT_FALSE(in_flight.contains(key)) << "settled while in flight";
  EXPECT_TRUE(
      ends.emplace(key, End{order.disposition, order.attempts, now, order.failure, order.reply})
          .second)
      << "settled twice";
  if (order.message_finished) ++finished_messages;
}

}  // namespace mailweir::engine
