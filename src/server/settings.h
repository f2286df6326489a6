// From the operator's Config to the options of each part.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config/config.h"
#include "intake/smtp_door.h"
#include "relay/relay.h"

namespace mailweir::server {

// In sandbox mode every recipient is routed to the built-in sink on this port of 127.0.0.1; 0 in
// live mode.
// `invalid_argument` when the suppression list cannot be used.
Result<relay::RelayOptions> relay_options(const config::Config& config, std::uint16_t sink_port);
intake::ListenerOptions listener_options(const config::Config& config, const Endpoint& endpoint);
std::size_t io_thread_count(const config::Config& config);

}  // namespace mailweir::server
