// The memory of a Diagnosis, and its two halves: what a contact changes, and what it means.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "diagnosis/places.h"
#include "diagnosis/waiting.h"

namespace mailweir::diagnosis {

// Something to be looked at again.
struct Look {
  enum class What : std::uint8_t { pair, host, provider, source, all, lookups };
  What what = What::all;
  std::uint32_t index = 0;
  Instant due{};
};

inline std::uint64_t key_of(std::uint32_t source, std::uint32_t provider) {
  return std::uint64_t{source} << 32 | provider;
}

// A question that is to be put again.
struct Asked {
  Question question;
  Instant due{};
  std::uint8_t left = 0;
  std::uint32_t host = none;  // not of the path alone: until that host is reached, or found
};

struct Diagnosis::State {
  // --- contact.cc: what a contact changes
  void on_contact(const Contact& contact, Instant now);
  void on_lookup(bool answered, Instant now);
  void forget_provider(std::uint32_t index);
  void forget_host(std::uint32_t index);
  std::uint32_t find_pair(std::uint32_t source, std::uint32_t provider, Instant now);
  std::uint32_t evict(Instant now);
  void unlink(std::uint32_t index);
  void see(const Contact& contact, Pair& pair, Instant now);
  bool is_stale(const Contact& contact, const Pair& pair);
  void recover_host(const Contact& contact, Instant now);
  void recover(const Contact& contact, Pair& pair, Instant now);
  bool is_covered(const Contact& contact);
  void feed_host(const Contact& contact, Instant now);
  void feed_pair(const Contact& contact, std::uint32_t index, Instant now);
  void count_calm(const Contact& contact, const Pair& pair);
  void fail_scopes(const Contact& contact, Pair& pair, double weight, Instant now);
  void good_reach(const Contact& contact, Instant now);
  void poor_reach(const Contact& contact, double weight);
  bool end_if_over(Scope& scope);
  void contrast(const Contact& contact);
  double usual_at_host(const Contact& contact, const Host& at);
  Weights path_weights(const Contact& contact, const Pair& pair);
  void begin_row(Pair& pair, Instant now);
  void end_row(Pair& pair);
  bool is_void(const Pair& pair, Instant now);

  // --- questions.cc: which knocks would tell
  void ask(Pair& pair, Sign sign, Instant now);
  void ask_again_of(const Contact& hung, Instant now);
  void ask_siblings(std::uint32_t pair, Instant now);
  void ask_elsewhere(std::uint32_t source, Instant now);
  void ask_of_host(std::uint32_t host, const Pair& pair, Instant now);
  bool is_open_of_host(std::uint32_t host, const Pair& pair);
  void knock_later(Asked asked);
  void ask_due(Instant now);

  // --- judge.cc: what it means; true: to be looked at again
  void look(Instant now);
  void look_later(bool& is_queued, Look::What what, std::uint32_t index, Instant now);
  bool& queued(const Look& look);
  bool judge(const Look& look, Instant now);
  bool judge_pair(std::uint32_t index, Instant now);
  bool judge_host(std::uint32_t index, Instant now);
  bool judge_provider(std::uint32_t index, Instant now);
  bool judge_source(std::uint32_t index, Instant now);
  bool judge_all(Instant now);
  bool judge_lookups(Instant now);
  bool is_explained(std::uint32_t host);
  bool is_by_hosts(const SomeHosts& hosts);
  bool may_be_hosts(const Provider& to);
  bool blames_others(std::uint32_t source, std::uint32_t host);
  bool is_anothers_host(const Row& row);
  Tally elsewhere(const Host& host);
  std::uint32_t sound_sources(std::uint32_t provider);
  std::uint32_t sound_providers(const Stretch& of_source);
  std::uint32_t sources_in_use(const Scope& scope) const;
  void replace(const Finding& wide, Instant now);
  Recovery& recovery_of(const Finding& finding);

  void count_accused(const Finding& finding, bool begins);
  void found(Finding finding, Instant now);
  void cleared(const Finding& what, Instant now);  // the same cause and place

  Scope& source(std::uint32_t index);
  Provider& provider(std::uint32_t index);
  Host& host(std::uint32_t index);

  std::vector<Scope> sources;
  std::vector<Provider> providers;
  std::vector<Host> hosts;
  std::vector<Pair> pairs;
  std::vector<std::uint32_t> free_pairs;
  std::unordered_map<std::uint64_t, std::uint32_t> pair_of;  // never iterated
  std::uint32_t hand = 0;                                    // of the eviction
  std::vector<Row> rows;
  std::vector<std::uint32_t> free_rows;
  Scope all;
  Lookups lookups;
  std::deque<Look> looks;  // by due time
  Waiting waiting;
  Instant last_now{};
  std::vector<Finding> standing;
  std::vector<Finding> news;
  std::vector<Question> questions;
  std::deque<Asked> later;  // by due time
};

}  // namespace mailweir::diagnosis
