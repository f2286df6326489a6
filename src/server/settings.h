// From the operator's Config to the options of each part.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config/config.h"
#include "intake/smtp_door.h"
#include "provider/catalogue.h"
#include "relay/relay.h"

namespace mailweir::server {

// The catalogue, and a checksum of the files it was read from.
struct ProviderCatalogue {
  provider::Catalogue catalogue;
  std::uint32_t files_crc32c = 0;
};
// The built-in one with an operator's folder on top; empty: none.
Result<ProviderCatalogue> load_providers(const std::string& folder);
// What a reload says of provider files that have changed: they are read at the start only. Empty:
// they have not.
std::string provider_files_change(const ProviderCatalogue& running, const config::Config& config);

// In sandbox mode every recipient is routed to the built-in sink on this port of 127.0.0.1; 0 in
// live mode.
// `invalid_argument` when the suppression list cannot be used.
Result<relay::RelayOptions> relay_options(const config::Config& config, std::uint16_t sink_port);
intake::ListenerOptions listener_options(const config::Config& config, const Endpoint& endpoint);
std::size_t io_thread_count(const config::Config& config);

}  // namespace mailweir::server
