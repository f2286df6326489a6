// Octets from the net into a whole server session: the command parser, the framing and the state
// machine together. An octet 255 ends a read, so that the fuzzer can both pipeline and wait for
// replies.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "smtp/server_session.h"

namespace {

using namespace mailweir;
using Step = smtp::ServerSession::Step;

bool is_reply_lines(const std::string& output) {
  for (std::size_t at = 0; at < output.size();) {
    const auto end = output.find("\r\n", at);
    if (end == std::string::npos || end - at < 4) return false;
    const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (!std::all_of(output.begin() + static_cast<std::ptrdiff_t>(at),
                     output.begin() + static_cast<std::ptrdiff_t>(end), is_printable)) {
      return false;
    }
    at = end + 2;
  }
  return true;
}

void check_message(const smtp::CompleteMessage& message) {
  WEIR_ASSERT(!message.envelope.recipients.empty());
  for (std::size_t i = 0; i < message.content.size(); ++i) {
    const char c = message.content[i];
    WEIR_ASSERT(c != '\0');
    WEIR_ASSERT(c != '\n' || (i > 0 && message.content[i - 1] == '\r'));
    WEIR_ASSERT(c != '\r' || (i + 1 < message.content.size() && message.content[i + 1] == '\n'));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  smtp::ServerOptions options;
  options.offers_starttls = true;
  options.message_size_max = 4096;
  smtp::ServerPolicy policy;
  smtp::ClientView client;
  client.may_relay = true;
  smtp::ServerSession session(options, policy, client);
  while (!input.empty()) {
    const auto read = input.substr(0, input.find('\xff'));
    input.remove_prefix(std::min(read.size() + 1, input.size()));
    auto step = session.receive(read);
    while (step == Step::message) {
      check_message(session.take_message());
      step = session.decide(smtp::reply_of("250 2.0.0 OK"));
    }
    WEIR_ASSERT(is_reply_lines(session.output()));
    session.output().clear();
    if (step == Step::close) break;
    if (step == Step::start_tls) session.tls_started("TLSv1.3 TEST");
  }
  return 0;
}
