// Makes a baseline by its name. Baselines exist in the simulated world only; the product has none.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "engine/engine_config.h"
#include "provider/catalogue.h"
#include "senders/parameters.h"
#include "senders/sender.h"

namespace mailweir::senders {

// "fixed-rate", "postfix", "powermta", "kumomta-tsa", "aimd".
std::span<const std::string_view> baseline_names();

// Takes sources, pools, classes' pools, routes and port from the configuration; its caps and retry
// schedule are the engine's, not a baseline's. Borrows `catalogue`, which outlives the sender.
// Parameters: policies.h. The error says which name or parameter is wrong, and what there is.
Result<std::unique_ptr<Sender>> make_sender(std::string_view name, const Parameters& parameters,
                                            const engine::EngineConfig& config,
                                            const provider::Catalogue& catalogue);

}  // namespace mailweir::senders
