#include "sink/twin_agreement.h"

#include <fmt/format.h>

#include <array>
#include <list>
#include <utility>

#include "base/random.h"
#include "sink/twin_client.h"
#include "sink/twin_fixture.h"

namespace mailweir::sink {
namespace {

using namespace std::chrono_literals;
using Kind = world::Answer::Kind;

constexpr std::size_t visits_max = 12;
constexpr std::array<std::string_view, 4> domains = {"a.example", "b.example", "c.example",
                                                     "d.example"};

// What the client must hear, in one line; `usual` is the code of an acceptance.
std::string expected(const world::Answer& answer, int usual) {
  if (answer.kind == Kind::reply) return fmt::format("{} {}", answer.reply.code, answer.reply.text);
  return answer.kind == Kind::accept ? fmt::format("{}", usual) : to_display(answer);
}

std::string observed(const Heard& heard, bool is_accepted) {
  switch (heard.kind) {
    case Heard::Kind::reply:
      return is_accepted ? fmt::format("{}", heard.code)
                         : fmt::format("{} {}", heard.code, heard.text);
    case Heard::Kind::close:
      return "close";
    case Heard::Kind::reset:
      return "reset";
    case Heard::Kind::silence:
      return "silence";
    case Heard::Kind::late:
      return "nothing within the deadline";
  }
  return {};
}

// A connection in both worlds.
struct Pair {
  Pair(world::Visit model_visit, const Endpoint& to, int silence)
      : visit(std::move(model_visit)), client(to, visit.source, silence) {}

  world::Visit visit;
  TwinClient client;
};

class Comparison {
 public:
  Comparison(std::unique_ptr<world::Receiver> model, std::unique_ptr<world::Receiver> served,
             const intake::TlsIdentity& tls, std::uint64_t seed)
      : model_(std::move(model)), twin_(std::move(served), &tls), random_(seed) {}

  Agreement run(std::uint64_t steps) {
    while (result_.steps < steps && result_.differences == 0) {
      twin_.clock.advance(pause());
      control_now_and_then();
      if (pairs_.empty() || (pairs_.size() < visits_max && random_.below(8) == 0)) {
        open();
      } else {
        auto pair = pairs_.begin();
        std::advance(pair, static_cast<std::ptrdiff_t>(random_.below(pairs_.size())));
        if (random_.below(16) == 0 || !transact(*pair)) leave(pair);
      }
    }
    while (!pairs_.empty()) leave(pairs_.begin());
    return result_;
  }

 private:
  // Mostly too short for a limit to recover, at times long enough for penalties to end.
  Duration pause() {
    const auto kind = random_.below(100);
    const std::uint64_t longest_ms = kind == 0 ? 7'200'000 : kind < 5 ? 3'000 : 20;
    return std::chrono::milliseconds(random_.below(longest_ms + 1));
  }

  // Half of all from one address, so that it meets its limits.
  IpAddress some_source() {
    const auto other = random_.below(8);
    return IpAddress::from_ipv4(0x7F000001 + static_cast<std::uint32_t>(other < 4 ? 0 : other));
  }

  void control_now_and_then() {
    if (random_.below(80) != 0) return;
    using Control = world::Receiver::Control;
    constexpr std::array<Control, 4> controls = {Control::trip, Control::release,
                                                 Control::block_network, Control::unblock_network};
    const auto what = controls.at(random_.below(controls.size()));
    const auto source = some_source();
    const bool is_known = model_->control(what, source, twin_.clock.now());
    note("control", is_known ? "true" : "false",
         twin_.receiver.control(what, source) ? "true" : "false");
  }

  void open() {
    world::Visit visit;
    visit.source = some_source();
    visit.host = static_cast<std::uint16_t>(random_.below(2));
    const auto answer = model_->connect(visit, twin_.clock.now());
    const Instant end = twin_.clock.now() + answer.delay;
    pairs_.emplace_back(visit, twin_.twin->endpoints().at(visit.host), twin_.time.silence());
    auto& pair = pairs_.back();
    const bool goes_on = check("connect", pair, answer, 220, pair.client.hear(), end) &&
                         answer.kind == Kind::accept && hello(pair) && secure(pair);
    if (!goes_on) leave(std::prev(pairs_.end()));
  }

  bool hello(Pair& pair) {
    const Instant now = twin_.clock.now();
    const auto answer = model_->ehlo(pair.visit, now);
    return check("ehlo", pair, answer, 250, pair.client.say("EHLO client.example\r\n"),
                 now + answer.delay) &&
           answer.kind == Kind::accept;
  }

  bool secure(Pair& pair) {
    if (random_.below(6) != 0) return true;
    const Instant now = twin_.clock.now();  // the receiver is asked right behind its 220
    if (pair.client.say("STARTTLS\r\n").code != 220) return note("starttls", "220", "none");
    const auto answer = model_->tls(pair.visit, now);
    const auto heard = pair.client.shake_hands();
    if (!check("tls", pair, answer, 0, heard, now + answer.delay)) return false;
    pair.visit.uses_tls = true;
    return answer.kind == Kind::accept && pair.client.say("EHLO client.example\r\n").code == 250;
  }

  // A transaction; false when the visit is over.
  bool transact(Pair& pair) {
    const std::string_view sender = domains.at(random_.below(domains.size()));
    const bool is_null = random_.below(10) == 0;
    const Instant now = twin_.clock.now();
    const auto answer = model_->mail(pair.visit, is_null ? "" : sender, now);
    const auto command =
        is_null ? std::string("MAIL FROM:<>\r\n") : fmt::format("MAIL FROM:<x@{}>\r\n", sender);
    if (!check("mail", pair, answer, 250, pair.client.say(command), now + answer.delay))
      return false;
    if (answer.kind != Kind::accept) return true;
    std::uint64_t accepted = 0;
    for (auto left = 1 + random_.below(3); left > 0; --left) {
      if (!recipient(pair, accepted)) return false;
    }
    return accepted == 0 ? pair.client.say("RSET\r\n").code == 250 : content(pair);
  }

  bool recipient(Pair& pair, std::uint64_t& accepted) {
    const auto mailbox =
        fmt::format("user{}@{}", random_.below(200), domains.at(random_.below(domains.size())));
    const Instant now = twin_.clock.now();
    const auto answer = model_->rcpt(pair.visit, mailbox, now);
    accepted += answer.kind == Kind::accept ? 1 : 0;
    return check("rcpt", pair, answer, 250,
                 pair.client.say(fmt::format("RCPT TO:<{}>\r\n", mailbox)), now + answer.delay);
  }

  bool content(Pair& pair) {
    Instant now = twin_.clock.now();
    auto answer = model_->data(pair.visit, now);
    if (!check("data", pair, answer, 354, pair.client.say("DATA\r\n"), now + answer.delay))
      return false;
    if (answer.kind != Kind::accept) return true;
    const std::string dkim(random_.below(2) == 0 ? "" : domains.at(random_.below(domains.size())));
    const std::string text =
        (dkim.empty() ? "" : fmt::format("DKIM-Signature: v=1; d={}\r\n", dkim)) +
        fmt::format("Subject: {}\r\n\r\n", std::string(random_.below(100), 'x'));
    now = twin_.clock.now();
    answer = model_->end_of_data(pair.visit, {.dkim_domain = dkim, .size = text.size()}, now);
    return check("end_of_data", pair, answer, 250, pair.client.say(text + ".\r\n"),
                 now + answer.delay);
  }

  // Compares one step; false when the visit cannot go on.
  bool check(std::string_view step, Pair& pair, const world::Answer& answer, int usual,
             const Heard& heard, Instant end) {
    ++result_.steps;
    const bool is_accepted = answer.kind == Kind::accept;
    result_.refusals += is_accepted ? 0 : 1;
    bool agrees = note(step, expected(answer, usual), observed(heard, is_accepted));
    agrees &= note(fmt::format("{}: clock", step), std::to_string(end.time_since_epoch().count()),
                   std::to_string(twin_.clock.now().time_since_epoch().count()));
    if (!agrees) return false;
    if (answer.closes)
      note(fmt::format("{}: end", step), "close", observed(pair.client.hear(), true));
    return !answer.ends_session();
  }

  bool note(std::string_view step, const std::string& wanted, const std::string& seen) {
    if (wanted == seen) return true;
    if (result_.differences++ == 0)
      result_.first_difference = fmt::format("step {}, {}: the model says \"{}\", TCP \"{}\"",
                                             result_.steps, step, wanted, seen);
    return false;
  }

  void leave(std::list<Pair>::iterator pair) {
    model_->leave(pair->visit, twin_.clock.now());
    pair->client.close();
    pairs_.erase(pair);
    if (!twin_.doorkeeper.wait_for(++left_)) note("leave", "noticed", "not within the deadline");
  }

  std::unique_ptr<world::Receiver> model_;
  TwinOnLoopback twin_;
  SeededRandom random_;
  std::list<Pair> pairs_;
  std::uint64_t left_ = 0;
  Agreement result_;
};

}  // namespace

Agreement compare_with_twin(std::unique_ptr<world::Receiver> model,
                            std::unique_ptr<world::Receiver> served, const intake::TlsIdentity& tls,
                            std::uint64_t seed, std::uint64_t steps) {
  return Comparison(std::move(model), std::move(served), tls, seed).run(steps);
}

}  // namespace mailweir::sink
