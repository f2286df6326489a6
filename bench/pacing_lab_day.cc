#include "pacing_lab_day.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <queue>

namespace mailweir::lab {
namespace {

using pacing::Change;
using pacing::Demand;
using pacing::Mode;
using pacing::PathController;
using pacing::Permit;
using pacing::Rank;
using pacing::Signal;
using world::Answer;

constexpr std::uint32_t nobody = 0xFFFFFFFF;
constexpr std::array<double, pacing::ranks> lent_after{60, 900, 7'200};  // seconds
constexpr int oldest_every = 8;  // this permit goes to the oldest message of any rank

struct Message {
  Instant arrived{};
  Instant done = never;
  Rank rank{};
  std::uint16_t home = 0;
  std::uint16_t own_deferrals = 0;  // for the recipient's sake
};

struct Event {
  Instant at{};
  std::uint64_t order = 0;
  enum class Kind : std::uint8_t { ends, wakes, returns, plan } kind{};
  std::uint32_t target = 0;
  bool operator>(const Event& other) const {
    return at != other.at ? at > other.at : order > other.order;
  }
};

struct Oldest {
  const std::vector<Message>* messages;
  bool operator()(std::uint32_t a, std::uint32_t b) const {
    const Instant x = (*messages)[a].arrived;
    const Instant y = (*messages)[b].arrived;
    return x != y ? x > y : a > b;
  }
};
using Queue = std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, Oldest>;

struct Source {
  IpAddress address;
  std::vector<Queue> ready;  // by rank
  std::uint32_t in_flight = 0;
  Instant wake = never;
  std::uint32_t permits = 0;
  Instant limited_at{};  // its mail had to wait
  double held = 0;
  Instant held_from{};
  Mode mode = Mode::open;

  bool any_ready() const { return !ready[0].empty() || !ready[1].empty() || !ready[2].empty(); }
};

struct Attempt {
  std::uint32_t message = 0;
  std::uint16_t source = 0;
  Instant started{};
  std::uint32_t in_flight = 0;
  world::Visit visit;
  Signal signal = Signal::accepted;
  bool is_wasted = false;
  bool is_greylisted = false;
  bool is_settled = false;  // the final dot has been asked
};

class Day {
 public:
  Day(Case& c, bool is_ideal, bool traces) : case_(c), is_ideal_(is_ideal), traces_(traces) {
    world::ReceiverSpec spec = c.receiver;
    if (is_ideal) std::erase_if(spec.models, [](const auto& m) { return is_limit(m.label); });
    receiver_ = world::make_receiver(spec, c.receiver_seed, Instant{});
    for (std::size_t i = 0; i < c.sources; ++i) {
      Source& source = sources_.emplace_back();
      source.address =
          IpAddress::from_ipv4(0xC0000201U + static_cast<std::uint32_t>(i));  // 192.0.2.1
      source.ready.assign(pacing::ranks, Queue(Oldest{&messages_}));
      controllers_.emplace_back(c.settings[i], Instant{});
    }
    messages_.reserve(c.arrivals.size());
  }

  Figures run() {
    const Instant end{case_.horizon};
    if (case_.plan) plan({}, Event::Kind::plan, 0);
    std::size_t next = 0;
    while (true) {
      const Instant arrival = next < case_.arrivals.size() ? case_.arrivals[next].at : never;
      const Instant event = events_.empty() ? never : events_.top().at;
      now_ = std::min(arrival, event);
      if (now_ >= end) break;
      if (arrival <= event) {
        arrive(case_.arrivals[next++]);
      } else {
        happen(events_.top());
      }
    }
    return figures(end);
  }

 private:
  static bool is_limit(const std::string& label) {
    return label != "greylist" && label != "recipients" && label != "stray" && label != "mute" &&
           label != "slow";
  }

  void plan(Instant at, Event::Kind kind, std::uint32_t target) {
    events_.push({at, sequence_++, kind, target});
  }

  void arrive(const Arrival& arrival) {
    const auto id = static_cast<std::uint32_t>(messages_.size());
    messages_.push_back({.arrived = arrival.at, .rank = arrival.rank, .home = arrival.home});
    queue(id, arrival.home);
  }

  void queue(std::uint32_t id, std::uint16_t source) {
    sources_[source].ready[static_cast<std::size_t>(messages_[id].rank)].push(id);
    serve_all(source);
  }

  void happen(const Event event) {
    events_.pop();
    switch (event.kind) {
      case Event::Kind::wakes: {
        Source& source = sources_[event.target];
        if (source.wake == event.at) source.wake = never;
        serve_all(static_cast<std::uint16_t>(event.target));
        break;
      }
      case Event::Kind::returns:
        queue(event.target, messages_[event.target].home);
        break;
      case Event::Kind::ends:
        end(event.target);
        break;
      case Event::Kind::plan:
        controllers_[0].set_ceilings(case_.plan(seconds_of(now_) / 86'400.0), now_);
        plan(now_ + std::chrono::hours(24), Event::Kind::plan, 0);
        break;
    }
  }

  // The source that something happened to; then the others, which may help.
  void serve_all(std::uint16_t first) {
    serve(first);
    if (sources_.size() == 1) return;
    for (std::uint16_t i = 0; i < sources_.size(); ++i) {
      if (!sources_[i].any_ready()) serve(i);
    }
  }

  void serve(std::uint16_t index) {
    Source& source = sources_[index];
    while (true) {
      Demand demand;
      for (std::size_t rank = 0; rank < pacing::ranks; ++rank)
        demand.waiting[rank] = !source.ready[rank].empty();
      if (!demand.any()) {
        if (sources_.size() == 1) return;
        demand = demand_of_others(index);
        if (!demand.any()) return;
        if (now_ - last_refusal(index) < std::chrono::minutes(10)) return;
      }
      const Permit permit = ask(index, demand);
      if (permit.at > now_) {
        if (permit.at - now_ > std::chrono::seconds(1) && !demand.carries_others)
          source.limited_at = now_;
        wake(index, permit.at);
        return;
      }
      const std::uint32_t id = take(index, permit.lowest, demand.carries_others);
      if (id == nobody) return;  // cannot be: the demand was told
      start(index, id);
    }
  }

  Instant last_refusal(std::uint16_t index) {
    const Instant at = controllers_[index].state(now_).last_refusal;
    return at == Instant{} ? Instant{} - std::chrono::hours(1) : at;
  }

  bool is_stuck(const Source& source) const {
    if (is_ideal_) return true;
    return source.mode == Mode::held ? now_ - source.held_from > std::chrono::seconds(45)
                                     : source.limited_at != Instant{} &&
                                           now_ - source.limited_at < std::chrono::seconds(60);
  }

  std::uint32_t lendable(std::uint16_t index, Rank rank) const {
    std::uint32_t best = nobody;
    for (std::uint16_t i = 0; i < sources_.size(); ++i) {
      if (i == index || !is_stuck(sources_[i])) continue;
      const Queue& ready = sources_[i].ready[static_cast<std::size_t>(rank)];
      if (ready.empty()) continue;
      const Message& oldest = messages_[ready.top()];
      if (!is_ideal_ && seconds_of(now_) - seconds_of(oldest.arrived) <
                            lent_after[static_cast<std::size_t>(rank)])
        continue;
      if (best == nobody || oldest.arrived < messages_[best].arrived) best = ready.top();
    }
    return best;
  }

  Demand demand_of_others(std::uint16_t index) const {
    Demand demand{.waiting = {}, .carries_others = true};
    for (std::size_t rank = 0; rank < pacing::ranks; ++rank)
      demand.waiting[rank] = lendable(index, static_cast<Rank>(rank)) != nobody;
    return demand;
  }

  Permit ask(std::uint16_t index, const Demand& demand) {
    Source& source = sources_[index];
    if (is_ideal_) return {.at = case_.ideals[index].free_at(now_, source.in_flight)};
    const auto before = std::chrono::steady_clock::now();
    const Permit permit = controllers_[index].ask(now_, source.in_flight, demand);
    spent_ += std::chrono::steady_clock::now() - before;
    return permit;
  }

  void wake(std::uint16_t index, Instant at) {
    Source& source = sources_[index];
    if (at == never || at >= source.wake) return;
    source.wake = at;
    plan(at, Event::Kind::wakes, index);
  }

  // The most urgent, mostly; an older one of a stuck sibling goes before it.
  std::uint32_t take(std::uint16_t index, Rank lowest, bool lends_only) {
    Source& source = sources_[index];
    const auto last = static_cast<std::size_t>(lowest);
    std::size_t chosen = pacing::ranks;
    const bool takes_oldest = ++source.permits % oldest_every == 0;
    for (std::size_t rank = 0; rank <= last && !lends_only; ++rank) {
      if (source.ready[rank].empty()) continue;
      const bool is_older =
          chosen < pacing::ranks && messages_[source.ready[rank].top()].arrived <
                                        messages_[source.ready[chosen].top()].arrived;
      if (chosen == pacing::ranks || (takes_oldest && is_older)) chosen = rank;
    }
    std::uint32_t id = chosen < pacing::ranks ? source.ready[chosen].top() : nobody;
    Source* from = &source;
    if (sources_.size() > 1) {
      for (std::size_t rank = 0; rank <= std::min(last, chosen); ++rank) {
        const std::uint32_t other = lendable(index, static_cast<Rank>(rank));
        if (other == nobody) continue;
        if (id != nobody && rank == chosen && messages_[other].arrived >= messages_[id].arrived)
          continue;
        id = other;
        chosen = rank;
        for (Source& sibling : sources_) {
          if (!sibling.ready[rank].empty() && sibling.ready[rank].top() == other) from = &sibling;
        }
        break;
      }
    }
    if (id != nobody) from->ready[chosen].pop();
    return id;
  }

  void start(std::uint16_t index, std::uint32_t id) {
    Source& source = sources_[index];
    ++figures_.attempts;
    if (is_ideal_) {
      case_.ideals[index].take(now_);
    } else {
      controllers_[index].on_start(now_);
    }
    ++source.in_flight;
    messages_[id].home = index;
    const std::uint32_t slot =
        free_.empty() ? static_cast<std::uint32_t>(attempts_.size()) : free_.back();
    if (free_.empty()) {
      attempts_.emplace_back();
    } else {
      free_.pop_back();
    }
    Attempt& attempt = attempts_[slot];
    attempt = {.message = id, .source = index, .started = now_, .in_flight = source.in_flight};
    attempt.visit.source = source.address;
    plan(now_ + dialogue(attempt), Event::Kind::ends, slot);
  }

  // All steps but the final dot, at once; returns how long all of them take.
  Duration dialogue(Attempt& attempt) {
    world::Receiver& receiver = *receiver_;
    world::Visit& visit = attempt.visit;
    const std::string mailbox = fmt::format("u{}@example.test", attempt.message);
    Answer answer = receiver.connect(visit, now_);
    Duration taken = answer.delay;
    if (answer.kind == Answer::Kind::silence) {
      judge(attempt, answer, true);
      return std::chrono::seconds(30);
    }
    const auto goes_on = [&](Answer next) {
      answer = std::move(next);
      taken += answer.delay;
      return answer.kind == Answer::Kind::accept;
    };
    if (answer.kind == Answer::Kind::accept && goes_on(receiver.ehlo(visit, now_)) &&
        goes_on(receiver.mail(visit, "example.com", now_)) &&
        goes_on(receiver.rcpt(visit, mailbox, now_)) && goes_on(receiver.data(visit, now_))) {
      return taken * 5 / 4 + random_span(0.3, 0.9);
    }
    judge(attempt, answer, false);
    if (answer.kind == Answer::Kind::silence) return std::chrono::minutes(5);
    return taken + random_span(0.15, 0.35);
  }

  Duration random_span(double least, double most) {
    return Duration(static_cast<std::int64_t>((least + (most - least) * random_.unit()) * 1e6));
  }

  void judge(Attempt& attempt, const Answer& answer, bool at_connect) {
    attempt.is_settled = true;
    if (answer.kind != Answer::Kind::reply) {
      attempt.signal = Signal::silent;
      attempt.is_wasted = at_connect;
      return;
    }
    const std::string& text = answer.reply.text;
    if (answer.reply.code == 421 && text.starts_with("Too many")) {
      attempt.signal = Signal::connection_limit;
      attempt.is_wasted = true;
    } else if (text.starts_with("4.7.500")) {
      attempt.is_wasted = true;
      attempt.signal = random_.unit() < case_.unrecognized ? Signal::unclear : Signal::throttled;
    } else if (text.starts_with("4.3.0")) {
      attempt.signal = Signal::unclear;
    } else {
      attempt.signal = Signal::answered;
      attempt.is_greylisted = text.starts_with("4.7.1");
    }
  }

  void end(std::uint32_t slot) {
    Attempt& attempt = attempts_[slot];
    Source& source = sources_[attempt.source];
    if (!attempt.is_settled) {
      const Answer answer = receiver_->end_of_data(attempt.visit, {.size = 2'000}, now_);
      if (answer.kind != Answer::Kind::accept) judge(attempt, answer, false);
    }
    receiver_->leave(attempt.visit, now_);
    --source.in_flight;
    Message& message = messages_[attempt.message];
    if (attempt.is_wasted) ++figures_.wasted;
    if (!is_ideal_) learn(attempt, message);
    settle(attempt, message);
    const std::uint16_t index = attempt.source;
    free_.push_back(slot);
    serve_all(index);
  }

  void learn(const Attempt& attempt, const Message& message) {
    PathController& controller = controllers_[attempt.source];
    const auto before = std::chrono::steady_clock::now();
    const Change change = controller.on_end(now_, {.signal = attempt.signal,
                                                   .started = attempt.started,
                                                   .in_flight = attempt.in_flight,
                                                   .first_try = message.own_deferrals == 0});
    spent_ += std::chrono::steady_clock::now() - before;
    if (change == Change::held) ++figures_.trips;
    Source& source = sources_[attempt.source];
    const Mode mode = controller.mode();
    if (mode == Mode::held && source.mode != Mode::held) source.held_from = now_;
    if (mode != Mode::held && source.mode == Mode::held)
      source.held += seconds_of(now_) - seconds_of(source.held_from);
    source.mode = mode;
    if (traces_ && change != Change::none) trace(attempt.source, change, attempt.signal);
  }

  void trace(std::uint16_t index, Change change, Signal signal) {
    const pacing::LearnedState s = controllers_[index].state(now_);
    fmt::print(
        "{:9.1f} {} {:14} {:10} pace {:.3f} sust {:.3f} ref {:.3f} n {:.0f}/{:.0f}/{:.0f}/{:.0f} "
        "most {:.0f}/{:.0f}/{:.0f}/{:.0f} demo {:.0f}/{:.0f}/{:.0f}/{:.0f} cr {} conc {} next "
        "{:.0f} box {}\n",
        seconds_of(now_), index, to_string(change), to_string(signal), s.pace, s.sustained,
        s.refused, s.counts[0], s.counts[1], s.counts[2], s.counts[3], s.most[0], s.most[1],
        s.most[2], s.most[3], s.demonstrated[0], s.demonstrated[1], s.demonstrated[2],
        s.demonstrated[3], s.canaries_refused, s.concurrency,
        s.next_canary == never ? 0.0 : seconds_of(s.next_canary) - seconds_of(now_),
        receiver_->is_penalized(sources_[index].address, now_));
  }

  void settle(const Attempt& attempt, Message& message) {
    if (attempt.signal == Signal::accepted) {
      message.done = now_;
      return;
    }
    const std::uint32_t id = attempt.message;
    // The path waits, not the message, except where the words say nothing.
    const bool is_unclear = attempt.signal == Signal::unclear;
    if (attempt.is_wasted && !is_unclear) return queue(id, message.home);
    double wait = attempt.is_greylisted ? 300 : message.rank == Rank::urgent ? 60 : 300;
    if (is_unclear && (message.own_deferrals == 0 || attempt.is_wasted)) wait = 60;
    if (attempt.signal == Signal::silent) wait = attempt.is_wasted ? 0 : wait;
    if (!attempt.is_greylisted && !is_unclear)
      wait = std::min(4'000.0, wait * std::exp2(std::min<int>(4, message.own_deferrals)));
    ++message.own_deferrals;
    plan(instant_of(seconds_of(now_) + wait), Event::Kind::returns, id);
  }

  Figures figures(Instant end) {
    std::array<std::vector<double>, pacing::ranks> delays;
    for (const Message& message : messages_) {
      const bool is_done = message.done < end;
      if (is_done) {
        ++figures_.delivered;
        figures_.area += seconds_of(end) - seconds_of(message.done);
      }
      delays[static_cast<std::size_t>(message.rank)].push_back(
          seconds_of(is_done ? message.done : end) - seconds_of(message.arrived));
    }
    figures_.offered = messages_.size();
    for (std::size_t rank = 0; rank < pacing::ranks; ++rank) {
      std::vector<double>& all = delays[rank];
      if (all.empty()) continue;
      const auto at = static_cast<std::ptrdiff_t>(static_cast<double>(all.size()) * 0.99);
      std::ranges::nth_element(all, all.begin() + at);
      figures_.p99[rank] = all[static_cast<std::size_t>(at)];
    }
    for (Source& source : sources_) {
      if (source.mode == Mode::held) source.held += seconds_of(end) - seconds_of(source.held_from);
      figures_.held_share += source.held / seconds_of(end) / static_cast<double>(sources_.size());
    }
    figures_.controller_ns = static_cast<double>(std::chrono::nanoseconds(spent_).count()) /
                             static_cast<double>(std::max<std::uint64_t>(1, figures_.attempts));
    return figures_;
  }

  Case& case_;
  bool is_ideal_;
  bool traces_;
  std::unique_ptr<world::Receiver> receiver_;
  std::vector<Message> messages_;
  std::vector<Source> sources_;
  std::vector<PathController> controllers_;
  std::vector<Attempt> attempts_;
  std::vector<std::uint32_t> free_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t sequence_ = 0;
  SeededRandom random_{1};
  Instant now_{};
  Figures figures_;
  std::chrono::steady_clock::duration spent_{};
};

}  // namespace

Figures run_learning(Case& c, bool traces) {
  return Day(c, false, traces).run();
}

Figures run_ideal(Case& c) {
  return Day(c, true, false).run();
}

}  // namespace mailweir::lab
