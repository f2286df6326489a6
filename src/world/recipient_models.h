// What belongs to a recipient or to chance, and must not be taken for throttling. Formulas:
// docs/receiver-models.md.
#pragma once

#include "base/random.h"
#include "world/fading_map.h"
#include "world/model.h"
#include "world/parameters.h"

namespace mailweir::world {

class GreylistModel final : public Model {
 public:
  GreylistModel(GreylistParameters parameters, std::uint64_t seed);

  Interests interests() const override { return {.steps = only(Step::rcpt)}; }
  Verdict consider(Encounter& encounter) override;

 private:
  struct Triple {
    Instant at = never;  // the first try; once passed, the last mail; never: new
    bool has_passed = false;
  };

  bool lets_pass(Triple& triple, Instant now) const;

  GreylistParameters parameters_;
  std::uint64_t seed_;
  FadingMap<Triple> triples_;
};

class RecipientsModel final : public Model {
 public:
  RecipientsModel(RecipientsParameters parameters, std::uint64_t seed);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;

 private:
  Verdict at_rcpt(Encounter& encounter);

  RecipientsParameters parameters_;
  std::uint64_t seed_;
  SeededRandom random_;
};

class StrayModel final : public Model {
 public:
  StrayModel(StrayParameters parameters, std::uint64_t seed);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;

 private:
  StrayParameters parameters_;
  SeededRandom random_;
};

class VanishModel final : public Model {
 public:
  VanishModel(VanishParameters parameters, std::uint64_t seed);

  Interests interests() const override { return {.steps = only(Step::end_of_data)}; }
  Verdict consider(Encounter& encounter) override;

 private:
  VanishParameters parameters_;
  SeededRandom random_;
};

class MumbleModel final : public Model {
 public:
  MumbleModel(MumbleParameters parameters, std::uint64_t seed);

  Interests interests() const override { return {.wording = parameters_.share > 0}; }
  Verdict consider(Encounter&) override { return {}; }
  const Wording* reword(Cause cause) override;

 private:
  MumbleParameters parameters_;
  SeededRandom random_;
};

}  // namespace mailweir::world
