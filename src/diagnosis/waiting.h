// Waiting is the list of answers that are awaited, by session, and says which are overdue.
//
// A time-out of SMTP is told after half a minute to ten, and a whole list of hosts may be tried
// before it is; who waits knows earlier. Where answers usually take long, overdue is later. O(1)
// each; memory by the highest session number and the highest provider number.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "diagnosis/diagnosis.h"

namespace mailweir::diagnosis {

class Waiting {
 public:
  // `about`: what is to be told if no answer comes. One answer a session: the one before is over.
  void begin(std::uint32_t session, const Contact& about, Instant now);
  // `answered`: there was an answer, and it took so long; else the session was lost. True: it was
  // overdue, and has been told.
  bool end(std::uint32_t session, bool answered, Instant now);
  bool is_waiting(std::uint32_t session) const {
    return session < entries_.size() && entries_[session].list != nowhere;
  }

  Instant next() const;  // `never`: nothing is awaited
  // Takes one that is overdue at `now`; false: none is left. Openings are overdue only after
  // take_hung() has told them.
  bool take(Contact& overdue, Instant now);
  // The same of openings that hang: not missing yet, but no server is that slow to say SYN-ACK.
  // Each is told once.
  bool take_hung(Contact& opening, Instant now);
  void forget_provider(std::uint32_t provider);

 private:
  // Lists, by what is awaited; where answers are slow a later one is taken.
  static constexpr std::uint8_t hung = 0;      // a connection, for some seconds; then on one of
  static constexpr std::uint8_t one_host = 1;  // … the next two
  static constexpr std::uint8_t one_of_hosts = 2;
  static constexpr std::uint8_t command = 3;
  static constexpr std::uint8_t content = 4;
  static constexpr std::uint8_t greeting = 5;
  static constexpr std::uint8_t lists = 7;
  static constexpr std::uint8_t told = 0xFE;  // overdue, and taken
  static constexpr std::uint8_t nowhere = 0xFF;

  struct Entry {
    Contact about;
    Instant since{};
    std::uint32_t before = none;
    std::uint32_t after = none;
    std::uint8_t list = nowhere;
  };
  // All of a list have the same patience, so it is in the order of time.
  struct List {
    std::uint32_t first = none;
    std::uint32_t last = none;
  };

  static Duration patience(std::uint8_t list);
  std::uint8_t list_for(const Contact& about) const;
  void link(std::uint32_t session, std::uint8_t list);
  void unlink(std::uint32_t session);

  std::array<List, lists> lists_;
  std::vector<Entry> entries_;
  std::vector<Duration> slowest_;  // answer of a provider, of late
};

}  // namespace mailweir::diagnosis
