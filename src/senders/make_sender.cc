#include "senders/make_sender.h"

#include <array>
#include <string>

#include "senders/baseline.h"
#include "senders/policies.h"

namespace mailweir::senders {
namespace {

using Reads = Result<MakePolicy> (*)(ParameterReader&, Habits&);

constexpr std::array<std::string_view, 5> names{"fixed-rate", "postfix", "powermta", "kumomta-tsa",
                                                "aimd"};
constexpr std::array<Reads, 5> readers{fixed_rate, postfix, powermta, kumomta_tsa, aimd};

}  // namespace

std::span<const std::string_view> baseline_names() {
  return names;
}

Result<std::unique_ptr<Sender>> make_sender(std::string_view name, const Parameters& parameters,
                                            const engine::EngineConfig& config,
                                            const provider::Catalogue& catalogue) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != name) continue;
    ParameterReader reader(parameters);
    Habits habits;
    WEIR_TRY(MakePolicy make_policy, readers[i](reader, habits));
    return std::make_unique<Baseline>(config, catalogue, habits, std::move(make_policy));
  }
  std::string known;
  for (const std::string_view each : names)
    known += (known.empty() ? "" : ", ") + std::string(each);
  return fail(Errc::invalid_argument,
              "there is no sender \"" + std::string(name) + "\"; baselines are: " + known);
}

}  // namespace mailweir::senders
