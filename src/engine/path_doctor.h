// The PathDoctor tells the Diagnosis what sessions and look-ups come to, in its numbers, and says
// what it has found in ours.
//
// Sources and providers keep the engine's numbers, hosts get their own. It decides nothing about
// paths: engine_diagnosis.cc does. Without pacing.learns it is deaf. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "diagnosis/diagnosis.h"
#include "engine/engine_views.h"
#include "engine/host_numbers.h"
#include "engine/next_hop_table.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "engine/settings.h"

namespace mailweir::engine {

class PathDoctor {
 public:
  PathDoctor(const Settings& settings, const NextHopTable& next_hops, std::vector<Order>& orders)
      : settings_(settings), next_hops_(next_hops), orders_(orders) {}

  // --- what goes out; `session` is its index in the dispatcher's table
  void opening(std::uint32_t session, std::uint16_t source, std::uint32_t hop,
               const OpenSession& order, Instant now);
  // A transaction is under way in the session.
  void awaits_reply(std::uint32_t session, Instant now);

  // --- what comes back
  void connected(std::uint32_t session, const std::string& host, Instant now);
  void opened(std::uint32_t session, const SessionOpened& opened, Instant now);
  void failed(std::uint32_t session, const SessionFailed& failed, Instant now);
  struct Circumstances {
    bool has_worked = false;   // an earlier transaction of the session was answered
    bool awaits_more = false;  // further ones are ordered in it
  };
  void transaction_done(std::uint32_t session, const TransactionDone& done,
                        const Circumstances& circumstances, Instant now);
  void closed(std::uint32_t session, Instant now);
  void looked_up(Failure failure, Instant now);
  void on_time(Instant now);
  Instant next_wakeup() const;

  // Findings about it end with it.
  void forget_provider(std::uint32_t provider);
  void forget_all();  // learning was switched off

  // --- what is to be done: new findings since the last call, told in notices already
  std::vector<diagnosis::Finding> take_findings();
  std::vector<FindingView> standing() const;
  // Those that concern the path; words are costly and made for these alone.
  std::vector<FindingView> standing_about(std::string_view source, std::string_view provider) const;
  // What it would like to have tried now: a suspicion is to be confirmed, or the end of what stands
  // to be seen. Where the siblings carry everything nobody else would look.
  struct Knock {
    std::uint16_t source = 0;
    std::uint32_t hop = no_index;
    std::string host;  // to be tried first; empty: any
  };
  std::vector<Knock> take_knocks(Instant now);

 private:
  struct Patient {
    std::uint16_t source = 0;
    std::uint32_t hop = no_index;
    std::uint32_t provider = no_index;
    std::uint32_t host = diagnosis::none;  // that answered
    bool is_first_known = false;           // the host tried first: it was told while waiting
    bool was_told = false;                 // an earlier wait of the opening, as overdue
  };
  bool is_on() const { return settings_.config().pacing.learns; }
  void visit(std::vector<Knock>& knocks);
  void add_knock(std::uint32_t source, std::uint32_t provider, std::vector<Knock>& knocks) const;
  bool is_of(std::uint32_t hop, std::uint32_t provider) const;
  void tell_findings();
  FindingView named(const diagnosis::Finding& finding) const;  // without its words
  static void put_in_words(const diagnosis::Finding& finding, FindingView& view);
  Notice notice(const diagnosis::Finding& finding) const;
  std::uint32_t number_of(const Patient& patient, const std::string& host, Instant now);
  diagnosis::Contact about(const Patient& patient) const;
  void tell_attempts(const Patient& patient, const std::vector<ConnectAttempt>& attempts,
                     bool first_is_told, Instant ended, Instant now);

  const Settings& settings_;
  const NextHopTable& next_hops_;
  std::vector<Order>& orders_;
  std::unique_ptr<diagnosis::Diagnosis> diagnosis_ = std::make_unique<diagnosis::Diagnosis>();
  HostNumbers hosts_;
  std::vector<diagnosis::Finding> findings_;
  std::uint32_t visited_ = 0;          // providers, in their turn
  Instant visit_at_ = never;           // never: nothing stands
  std::vector<Patient> patients_;      // by session
  std::vector<std::uint32_t> hop_of_;  // by provider: the last that was reached, or tried
  std::vector<std::uint32_t> freed_;   // scratch
};

}  // namespace mailweir::engine
