#include "world/make_model.h"

#include "world/connection_models.h"
#include "world/network_models.h"
#include "world/penalty_models.h"
#include "world/rate_models.h"
#include "world/recipient_models.h"
#include "world/reputation_models.h"

namespace mailweir::world {
namespace {

using Made = std::unique_ptr<Model>;

// One overload for each kind of model.
struct Maker {
  std::uint64_t seed;
  Instant start;

  Made operator()(const BucketParameters& p) const {
    return std::make_unique<BucketModel>(p, start);
  }
  Made operator()(const WindowParameters& p) const {
    return std::make_unique<WindowModel>(p, start);
  }
  Made operator()(const QuotaParameters& p) const { return std::make_unique<QuotaModel>(p, start); }
  Made operator()(const DiurnalParameters& p) const {
    return std::make_unique<DiurnalModel>(p, seed, start);
  }
  Made operator()(const StepsParameters& p) const { return std::make_unique<StepsModel>(p, start); }
  Made operator()(const ConnectionsParameters& p) const {
    return std::make_unique<ConnectionsModel>(p);
  }
  Made operator()(const ConnectionRateParameters& p) const {
    return std::make_unique<ConnectionRateModel>(p, start);
  }
  Made operator()(const SessionLengthParameters& p) const {
    return std::make_unique<SessionLengthModel>(p);
  }
  Made operator()(const PenaltyBoxParameters& p) const {
    return std::make_unique<PenaltyBoxModel>(p, seed, start);
  }
  Made operator()(const ReputationParameters& p) const {
    return std::make_unique<ReputationModel>(p, start);
  }
  Made operator()(const NewIpParameters& p) const {
    return std::make_unique<NewIpModel>(p, seed, start);
  }
  Made operator()(const BlockListParameters& p) const {
    return std::make_unique<BlockListModel>(p, start);
  }
  Made operator()(const NetworkBlockParameters& p) const {
    return std::make_unique<NetworkBlockModel>(p, start);
  }
  Made operator()(const OutageParameters& p) const {
    return std::make_unique<OutageModel>(p, start);
  }
  Made operator()(const TarpitParameters& p) const { return std::make_unique<TarpitModel>(p); }
  Made operator()(const GreylistParameters& p) const {
    return std::make_unique<GreylistModel>(p, seed);
  }
  Made operator()(const RecipientsParameters& p) const {
    return std::make_unique<RecipientsModel>(p, seed);
  }
  Made operator()(const StrayParameters& p) const { return std::make_unique<StrayModel>(p, seed); }
  Made operator()(const VanishParameters& p) const {
    return std::make_unique<VanishModel>(p, seed);
  }
  Made operator()(const MumbleParameters& p) const {
    return std::make_unique<MumbleModel>(p, seed);
  }
};

}  // namespace

std::unique_ptr<Model> make_model(const ModelParameters& parameters, std::uint64_t seed,
                                  Instant start) {
  return std::visit(Maker{seed, start}, parameters);
}

}  // namespace mailweir::world
