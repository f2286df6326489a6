#include "world/make_model.h"

#include "base/assert.h"
#include "world/rate_models.h"

namespace mailweir::world {

std::unique_ptr<Model> make_model(const ModelParameters& parameters, std::uint64_t seed,
                                  Instant start) {
  if (const auto* p = std::get_if<BucketParameters>(&parameters))
    return std::make_unique<BucketModel>(*p, start);
  if (const auto* p = std::get_if<WindowParameters>(&parameters))
    return std::make_unique<WindowModel>(*p, start);
  if (const auto* p = std::get_if<QuotaParameters>(&parameters))
    return std::make_unique<QuotaModel>(*p, start);
  if (const auto* p = std::get_if<DiurnalParameters>(&parameters))
    return std::make_unique<DiurnalModel>(*p, seed, start);
  const auto* p = std::get_if<StepsParameters>(&parameters);
  WEIR_ASSERT(p != nullptr);
  return std::make_unique<StepsModel>(*p, start);
}

}  // namespace mailweir::world
