// A ReceiverStack is a Receiver made of models, asked in order.
//
// At each step the first model that does not accept decides, and the models behind it are not asked
// at that step. Delays of those asked add up. A message is accepted when every model accepted every
// step; only then do reservations become uses (see model.h). Limits: the smallest. Trips: the sum.
// `trip` goes to the first model that knows it, the other controls to all.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "world/model.h"
#include "world/receiver.h"
#include "world/slot_table.h"

namespace mailweir::world {

class ReceiverStack final : public Receiver {
 public:
  static constexpr std::size_t models_max = 32;  // bits of a Visit

  explicit ReceiverStack(std::vector<std::unique_ptr<Model>> models);

  Answer connect(Visit& visit, Instant now) override;
  Answer ehlo(Visit& visit, Instant now) override;
  Answer tls(Visit& visit, Instant now) override;
  Answer mail(Visit& visit, std::string_view sender_domain, Instant now) override;
  Answer rcpt(Visit& visit, std::string_view mailbox, Instant now) override;
  Answer data(Visit& visit, Instant now) override;
  Answer end_of_data(Visit& visit, const ContentFacts& content, Instant now) override;
  void leave(Visit& visit, Instant now) override;

  double limit(const IpAddress& source, Instant now) const override;
  bool is_penalized(const IpAddress& source, Instant now) const override;
  std::uint64_t trips(const IpAddress& source) const override;
  std::uint64_t path_refusals(const IpAddress& source) const override;
  double room(const IpAddress& source, Duration span, Instant now) const override;
  void take(const IpAddress& source, std::uint64_t messages, Instant now) override;
  bool control(Control what, const IpAddress& source, Instant now) override;

 private:
  struct Asked {
    Model* model;
    std::uint32_t bit;
  };

  Answer ask(Encounter& encounter);
  void settle(Encounter& encounter, bool accepted);
  void abandon(Visit& visit, Step step, Instant now);
  Subject find(const IpAddress& source) const;
  Subject find_or_add(const IpAddress& source);
  const Wording* worded(const Verdict& verdict) const;

  std::vector<std::unique_ptr<Model>> models_;
  std::array<std::vector<Asked>, step_count> by_step_;
  std::vector<Asked> connections_;
  std::vector<Asked> outcomes_;
  std::vector<Model*> wordings_;
  SlotTable sources_;
  SlotTable networks_;
  PerSlot<std::uint64_t> path_refusals_{0};  // by source
};

}  // namespace mailweir::world
