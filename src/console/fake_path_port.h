// The paths of FakeAdminPort, for tests: one held, one paused, one open, and fixed clocks.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "console/admin_port.h"

namespace mailweir::console {

class FakePathPort : public AdminPort {
 public:
  FakePathPort() {
    using std::chrono::seconds;
    moment.now = Instant(seconds(10'000));
    moment.wall = UnixTime(seconds(1'790'000'000));  // 2026-09-21T14:13:20Z
    held = make_held();
    paused = make_paused();
    open = make_open();
    waiting_one = make_waiting();
    known_hands = paused.path.hands;
  }

  void paths(PathQuery query, Done<PathList> done) override {
    asked_paths = std::move(query);
    if (path_failure) return done(std::unexpected(*path_failure));
    done(PathList{moment, {held, paused, open}, 3, 1});
  }
  void explain_path(std::string source, std::string provider, Done<PathList> done) override {
    if (path_failure) return done(std::unexpected(*path_failure));
    for (const ExplainedPath& path : {held, paused, open}) {
      if (path.path.source == source && path.path.provider == provider)
        return done(PathList{moment, {path}, 1, path.path.learned ? 1U : 0U});
    }
    done(fail(Errc::not_found, "there is no such path"));
  }
  void explain_recipient(std::string target, Done<RecipientExplanation> done) override {
    asked_target = std::move(target);
    if (path_failure) return done(std::unexpected(*path_failure));
    RecipientExplanation answer{moment, {waiting_one}, more > 0, {{"ms365", "main", {held, open}}}};
    answer.more = more;
    answer.is_of_domain = !asked_target.contains('@');
    done(std::move(answer));
  }
  void hands(Done<HandList> done) override { done(HandList{moment, known_hands, {}, {}}); }
  void set_hand(HandOrder order, Done<HandList> done) override {
    asked_hand = std::move(order);
    if (path_failure) return done(std::unexpected(*path_failure));
    engine::PathHand hand;
    hand.id = 8;
    hand.action = asked_hand.kind == HandOrder::Kind::pause ? engine::PathHand::Action::pause
                                                            : engine::PathHand::Action::cap;
    hand.source = asked_hand.source;
    hand.provider = asked_hand.provider;
    hand.rate = asked_hand.rate;
    hand.connections = asked_hand.connections;
    if (asked_hand.lasts) hand.until = moment.now + *asked_hand.lasts;
    hand.reason = asked_hand.reason;
    hand.by = asked_hand.actor;
    hand.names_domain = names_domain;
    hand.bound = bound_to;
    done(HandList{moment, {hand}, {}, covered, passed_over});
  }
  void resume(PathOrder order, Done<HandList> done) override {
    asked_order = std::move(order);
    done(HandList{moment, known_hands, {}, {}});
  }
  void undo(std::uint64_t hand, PathOrder order, Done<HandList> done) override {
    asked_undo = hand;
    asked_order = std::move(order);
    if (hand != 7) return done(fail(Errc::not_found, "nothing with that id is in force"));
    done(HandList{moment, known_hands, {}, {}});
  }
  void forget(PathOrder order, Done<ForgottenPaths> done) override {
    asked_order = std::move(order);
    if (path_failure) return done(std::unexpected(*path_failure));
    engine::PathHand hand = forgetting();
    hand.source = asked_order.source;
    hand.provider = asked_order.provider;
    done(ForgottenPaths{
        moment, std::move(hand), {{"mx1", "ms365"}}, forgotten_cells, hosts, slowed});
  }
  void unknown_refusals(Done<UnknownRefusalList> done) override { done(unknown); }

  // An hour ago.
  engine::PathHand forgetting() const {
    engine::PathHand hand;
    hand.id = 17;
    hand.action = engine::PathHand::Action::forget;
    hand.source = "mx1";
    hand.provider = "ms365";
    hand.until = moment.now + engine::forgotten_for - std::chrono::hours(1);
    hand.reason = "new address";
    hand.by = "uid 0";
    return hand;
  }

  Moment moment;
  std::vector<engine::PathName> forgotten_cells;
  std::size_t hosts = 0;
  std::vector<engine::PathName> slowed;
  ExplainedPath held;
  ExplainedPath paused;
  ExplainedPath open;
  std::vector<engine::PathHand> known_hands;
  UnknownRefusalList unknown{12,
                             {{"ms365", "451 no # today", "451 no 7 today", 12,
                               UnixTime(std::chrono::seconds(1'789'990'000)),
                               UnixTime(std::chrono::seconds(1'789'999'000))}}};
  RecipientExplanation::Waiting waiting_one;
  std::optional<Error> path_failure;
  std::uint64_t covered = 2;
  std::uint64_t more = 0;  // that wait and are not shown

  PathQuery asked_paths;
  std::string asked_target;
  bool names_domain = false;  // of hands set
  std::string bound_to;
  std::vector<PassedOver> passed_over;
  HandOrder asked_hand;
  PathOrder asked_order;
  std::uint64_t asked_undo = 0;

 private:
  Instant before(std::chrono::seconds time) const { return moment.now - time; }

  ExplainedPath make_held() const {
    using std::chrono::seconds;
    ExplainedPath explained;
    engine::PathExplanation& path = explained.path;
    path.source = "mx1";
    path.provider = "ms365";
    path.is_used = true;
    pacing::LearnedState state;
    state.mode = pacing::Mode::held;
    state.since = before(seconds(1320));
    state.next_canary = moment.now + seconds(148);
    state.canaries_refused = 3;
    state.episodes = 1;
    state.pace = state.own_pace = 4.5;
    state.is_pace_learned = true;
    state.sustained = 5;
    state.refused = 6;
    state.hour_rate = 5.5;
    state.most.fill(pacing::unlimited);
    state.counts[2] = 180;
    state.most[2] = 200;
    state.concurrency = 10;
    path.learned = state;
    path.next = {pacing::Limit::learned, state.next_canary, pacing::Rank::urgent,
                 pacing::Binding::hold};
    path.next_move = state.next_canary;
    path.waiting = 240;
    path.last.reply = {
        .code = 451,
        .enhanced = EnhancedStatus{4, 7, 500},
        .text = "4.7.500 Server busy. Please try again later from [192.0.2.1]. S77719"};
    path.last.rule = "ms365/server-busy";
    path.last.host = "mx.example.com";
    path.last.phase = Phase::mail;
    path.last.at = before(seconds(90));
    engine::CellView host{.name = "mx2.example.com", .learned = state, .last = path.last};
    host.last.failure = engine::Failure::connect_timeout;
    host.last.reply = {};
    path.hosts.push_back(std::move(host));
    path.drain = seconds(80);
    explained.hold_began = engine::HoldBeginning{
        .at = before(seconds(1320)),
        .phase = Phase::rcpt,
        .failure = engine::Failure::none,
        .reply = {.code = 450, .enhanced = EnhancedStatus{4, 7, 1}, .text = "4.7.1 Too fast"},
        .rule = "ms365/too-fast",
        .suspect = {.tenant = "acme",
                    .campaign = "june",
                    .share = 0.62,
                    .growth = 3.5,
                    .bounced = 0.2,
                    .tenant_growth = 2.4}};
    explained.siblings_open = 3;
    return explained;
  }

  ExplainedPath make_paused() const {
    ExplainedPath explained;
    engine::PathExplanation& path = explained.path;
    path.source = "mx2";
    path.provider = "google";
    path.is_used = true;
    path.is_paused = true;
    path.next = {pacing::Limit::paused, never, pacing::Rank::bulk, pacing::Binding::none};
    engine::PathHand hand;
    hand.id = 7;
    hand.provider = "google";
    hand.until = moment.now + std::chrono::hours(2);
    hand.reason = "they called";
    hand.by = "uid 0";
    path.hands = {hand};
    return explained;
  }

  ExplainedPath make_open() const {
    ExplainedPath explained;
    engine::PathExplanation& path = explained.path;
    path.source = "mx2";
    path.provider = "ms365";
    path.is_used = true;
    pacing::LearnedState state;
    state.since = before(std::chrono::seconds(9000));
    state.pace = state.own_pace = 5;
    state.is_pace_learned = true;
    state.most.fill(pacing::unlimited);
    state.concurrency = 20;
    path.learned = state;
    path.caps.message_rate = Rate{20, std::chrono::minutes(1)};
    path.next = {pacing::Limit::message_rate, moment.now + std::chrono::seconds(3),
                 pacing::Rank::bulk, pacing::Binding::none};
    path.next_move = path.next.at;
    path.connections = 2;
    path.in_flight = 1;
    path.waiting = 240;
    explained.siblings_held = 1;
    return explained;
  }

  RecipientExplanation::Waiting make_waiting() const {
    RecipientExplanation::Waiting waiting;
    waiting.view.id = MessageId{1};
    waiting.view.domain = "example.com";
    waiting.view.provider = "ms365";
    waiting.view.message_class = "default";
    waiting.view.accepted = before(std::chrono::seconds(192));
    waiting.view.expires = moment.now + std::chrono::days(5);
    waiting.view.reason = engine::WaitReason::path_held;
    waiting.view.until = moment.now + std::chrono::seconds(148);
    waiting.mailbox = "ken@example.com";
    waiting.pool = "main";
    return waiting;
  }
};

}  // namespace mailweir::console
