// The command line of `mailweir sink`, read and explained.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/networks.h"
#include "base/result.h"
#include "sink/sink_text.h"
#include "world/personality.h"

namespace mailweir::sink {

struct CommandOptions {
  enum class Task : std::uint8_t { serve, list, parameters, help } task = Task::serve;
  Language language = Language::english;
  std::string personality = "plain";
  std::vector<std::pair<std::string, std::string>> settings;  // "penalty.share", "0.5"
  std::uint64_t seed = 1;
  std::vector<Endpoint> listen{{IpAddress::from_ipv4(0x7F000001), 2526}};
  std::optional<Endpoint> http{{IpAddress::from_ipv4(0x7F000001), 8026}};  // empty: none
  std::string host_name = "sink.localhost";
  std::string ledger_file;
  std::string log_file;
  std::string tls_folder;  // of certificate.pem and key.pem; empty: made for this run alone
  bool offers_tls = true;
  std::size_t threads = 2;
};

// `language` is that of the surroundings; --lang may change it. The error is a sentence in it.
Result<CommandOptions> read_options(const std::vector<std::string>& arguments, Language language);

// The personality with its settings; its summary names them. The error says what is wrong and how
// it is written.
Result<world::ReceiverSpec> make_spec(const CommandOptions& options);

std::string help(Language language);

}  // namespace mailweir::sink
