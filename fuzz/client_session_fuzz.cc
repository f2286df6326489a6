// A server that says anything: every transaction ends exactly once, and only a reply to a final dot
// delivers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "mail/reply_parser.h"
#include "smtp/client_handshake.h"
#include "smtp/client_session.h"

namespace {

using namespace mailweir;
using namespace mailweir::smtp;

constexpr std::uint64_t transactions = 3;

std::string next_reply_bytes(const std::uint8_t*& data, std::size_t& size) {
  const std::size_t length = std::min<std::size_t>(size, 1 + (size > 0 ? data[0] % 64 : 0));
  std::string bytes(reinterpret_cast<const char*>(data), length);
  data += length;
  size -= length;
  return bytes;
}

bool write_all(ClientSession& session, Instant now) {
  WriteBatch batch;
  bool has_sent_dot = false;
  while (session.next_batch(batch, now)) {
    has_sent_dot = has_sent_dot || batch.content.has_value();
    session.on_written(now);
  }
  return has_sent_dot;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t choice = data[0];
  ReplyParser replies;
  replies.feed({reinterpret_cast<const char*>(data + 1), size - 1});
  ClientHandshake handshake("fuzz.example", static_cast<StartTls>(choice % 3));
  while (true) {
    const auto reply = replies.next();
    if (!reply || !*reply) break;
    HandshakeStep step = handshake.feed(**reply);
    if (step == HandshakeStep::start_tls) step = handshake.on_tls();
    if (step != HandshakeStep::write_command) break;
    WEIR_ASSERT(handshake.command().ends_with("\r\n"));
  }

  Envelope envelope;
  envelope.reverse_path.mailbox = Mailbox::from_parts("s", "a.test");
  for (const char* local_part : {"x", "y"}) {
    Recipient recipient;
    recipient.mailbox = Mailbox::from_parts(local_part, "b.test");
    envelope.recipients.push_back(recipient);
  }
  PeerCapabilities peer = handshake.capabilities();
  peer.pipelining = (choice & 8) != 0;
  ClientSession session(peer, 512);
  for (std::uint64_t n = 0; n < transactions; ++n)
    session.add({TransactionId{n}, &envelope, {0, 1}, "content\r\n"});
  if ((choice & 16) != 0) session.finish();

  const Instant now{};
  std::size_t dots = 0;
  std::size_t finished = 0;
  std::size_t delivered = 0;
  ReplyParser parser;
  ++data;
  --size;
  const auto count = [&] {
    for (const FinishedTransaction& done : session.take_finished()) {
      ++finished;
      WEIR_ASSERT(done.transcript.size() <= 512);
      bool is_delivered = false;
      for (const RecipientVerdict& verdict : done.verdicts)
        is_delivered = is_delivered || verdict.is_delivered();
      delivered += is_delivered ? 1 : 0;
    }
  };
  while (!session.is_over() && size > 0) {
    dots += write_all(session, now) ? 1 : 0;
    parser.feed(next_reply_bytes(data, size));
    while (!session.is_over()) {
      auto reply = parser.next();
      if (!reply) session.on_not_smtp(now);
      if (!reply || !*reply) break;
      session.feed(std::move(**reply), now);
      dots += write_all(session, now) ? 1 : 0;
    }
    count();
  }
  session.on_lost(true, now);
  count();
  WEIR_ASSERT(finished == transactions);
  WEIR_ASSERT(delivered <= dots);
  return 0;
}
