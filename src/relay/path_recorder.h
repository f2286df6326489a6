// The PathRecorder turns what is learned of paths, and what operators do to them, into events and
// metrics: the Recorder's part for paths.
//
// On the relay's thread only.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/engine.h"
#include "engine/notice.h"
#include "engine/path_hand.h"
#include "operations/event_log.h"
#include "operations/metric_set.h"
#include "provider/unknown_refusals.h"
#include "runtime/clock.h"

namespace mailweir::relay {

class PathRecorder {
 public:
  // Borrows all of them.
  PathRecorder(operations::EventLog& log, operations::Metrics& metrics, const runtime::Clock& clock)
      : log_(log), metrics_(metrics), clock_(clock) {}

  void noticed(const engine::Notice& notice);
  // A refusal: counted, if no rule reads it.
  void refused(const provider::Catalogue& catalogue, std::string_view provider, Phase phase,
               const Reply& reply);

  void hand_set(const engine::PathHand& hand);
  // `by` and `reason` of who took it back; both empty: its time was over.
  void hand_ended(const engine::PathHand& hand, std::string_view by, std::string_view reason);
  // By the order of `hand`: a path, with what was known of it and of its single hosts; or a cell of
  // no single path.
  void forgotten(const engine::PathExplanation& path, const std::vector<std::string>& hosts,
                 const engine::PathHand& hand);
  void cell_forgotten(const engine::PathName& cell, const engine::PathHand& hand);
  // A tenant or a campaign is no longer slowed on suspicion; nothing gives that back.
  void slowing_over(const engine::PathName& cell, const engine::PathHand& hand);

  // Brings the gauges up to date; called when the metrics are read.
  void paths(std::span<const engine::PathView> paths);
  const provider::UnknownRefusals& unknown_refusals() const { return unknown_; }

  // What the path's present hold began with, held or ramping; null: there is none, or it began in
  // an earlier run. Until the next notice.
  const engine::HoldBeginning* hold_began(const std::string& source,
                                          const std::string& provider) const;

 private:
  UnixTime wall_at(Instant time) const;
  void tell_forgotten(std::string_view source, std::string_view provider, std::string_view detail,
                      const engine::PathHand& hand);
  void remember_hold(const engine::Notice& notice);
  void tell_hand(operations::PathAction action, const engine::PathHand& hand, std::string_view by,
                 std::string_view reason);

  operations::EventLog& log_;
  operations::Metrics& metrics_;
  const runtime::Clock& clock_;
  provider::UnknownRefusals unknown_;
  std::map<std::pair<std::string, std::string>, engine::HoldBeginning>
      holds_;                                        // by source and provider
  std::map<std::string, double, std::less<>> held_;  // by provider, as the gauges show it
};

}  // namespace mailweir::relay
