// The parameters of every model, as values. One struct is one kind of model; its formula, state and
// sources are in docs/receiver-models.md, the names to set them by in parameter_table.h.
//
// Times are counted from the `start` given to make_receiver(), which the models take as midnight.
// Shares are 0 … 1. Messages are transactions, whatever their number of recipients.
#pragma once

#include <variant>

#include "world/limit_parameters.h"
#include "world/noise_parameters.h"
#include "world/penalty_parameters.h"

namespace mailweir::world {

using ModelParameters =
    std::variant<BucketParameters, WindowParameters, QuotaParameters, DiurnalParameters,
                 StepsParameters, ConnectionsParameters, ConnectionRateParameters,
                 SessionLengthParameters, PenaltyBoxParameters, ReputationParameters,
                 NewIpParameters, BlockListParameters, NetworkBlockParameters, OutageParameters,
                 TarpitParameters, GreylistParameters, RecipientsParameters, StrayParameters,
                 VanishParameters, MumbleParameters>;

}  // namespace mailweir::world
