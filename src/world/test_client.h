// A client of one Receiver in tests: walks through sessions and says what came of them.
#pragma once

#include <string>
#include <vector>

#include "base/assert.h"
#include "world/make_model.h"
#include "world/personality.h"
#include "world/receiver_stack.h"

namespace mailweir::world {

inline constexpr Instant test_start{Duration(1'000'000'000)};

inline IpAddress ip(std::string_view text) {
  Result<IpAddress> address = IpAddress::parse(text);
  WEIR_ASSERT(address.has_value());
  return *address;
}

inline Networks networks(std::vector<std::string> texts) {
  Result<Networks> parsed = Networks::parse(texts);
  WEIR_ASSERT(parsed.has_value());
  return *parsed;
}

inline std::unique_ptr<Receiver> receiver_of(std::vector<ModelParameters> models,
                                             std::uint64_t seed = 1) {
  ReceiverSpec spec{.name = "test"};
  for (ModelParameters& model : models)
    spec.models.push_back({std::to_string(spec.models.size()), std::move(model)});
  return make_receiver(spec, seed, test_start);
}

// Where a message came to an end.
struct Ending {
  Step step = Step::end_of_data;
  Answer answer;  // accept: delivered
  bool is_accepted() const { return answer.kind == Answer::Kind::accept; }
};

struct Letter {
  std::string sender_domain = "example.com";
  std::string mailbox = "someone@example.net";
  std::string dkim_domain;
  bool is_unwanted = false;
};

// One connection; its destructor leaves.
class Session {
 public:
  Session(Receiver& receiver, const IpAddress& source, Instant now, std::uint16_t host = 0)
      : receiver_(receiver), now_(now) {
    visit.source = source;
    visit.host = host;
    ending_ = {Step::connect, receiver_.connect(visit, now)};
    if (is_open()) ending_ = {Step::ehlo, receiver_.ehlo(visit, now)};
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { receiver_.leave(visit, now_); }

  bool is_open() const { return ending_.is_accepted(); }

  Ending send(Instant now, const Letter& letter = {}) {
    now_ = now;
    if (!is_open()) return ending_;
    if (Answer a = receiver_.mail(visit, letter.sender_domain, now); !is_accept(a))
      return {Step::mail, a};
    if (Answer a = receiver_.rcpt(visit, letter.mailbox, now); !is_accept(a))
      return {Step::rcpt, a};
    if (Answer a = receiver_.data(visit, now); !is_accept(a)) return {Step::data, a};
    return {Step::end_of_data, receiver_.end_of_data(visit,
                                                     {.dkim_domain = letter.dkim_domain,
                                                      .size = 1000,
                                                      .is_unwanted = letter.is_unwanted},
                                                     now)};
  }

  Visit visit;

 private:
  static bool is_accept(const Answer& answer) { return answer.kind == Answer::Kind::accept; }

  Receiver& receiver_;
  Instant now_;
  Ending ending_;
};

inline const IpAddress& home() {
  static const IpAddress address = ip("192.0.2.7");
  return address;
}

// A message in a session of its own.
inline Ending send(Receiver& receiver, Instant now, const IpAddress& source = home(),
                   const Letter& letter = {}) {
  Session session(receiver, source, now);
  return session.send(now, letter);
}

inline std::string text_of(const Ending& ending) {
  return to_display(ending.answer.reply);
}

}  // namespace mailweir::world
