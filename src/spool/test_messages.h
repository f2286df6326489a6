// Messages for the spool's tests.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/crc32c.h"
#include "spool/spool.h"

namespace mailweir::spool::testing {

inline Acceptance make_acceptance(std::uint64_t id,
                                  std::string content = "Subject: hello\r\n\r\nHi\r\n") {
  Acceptance acceptance;
  StoredMessage& message = acceptance.message;
  message.id = MessageId{id};
  message.envelope.reverse_path.mailbox = Mailbox::from_parts("sender", "sender.example");
  for (const char* name : {"first", "second"}) {
    Recipient recipient;
    recipient.mailbox = Mailbox::from_parts(name, "receiver.example");
    recipient.notify = DsnNotify::failure | DsnNotify::delay;
    recipient.original_recipient = "rfc822;alias@receiver.example";
    message.envelope.recipients.push_back(std::move(recipient));
  }
  message.envelope.body = BodyType::eight_bit_mime;
  message.envelope.smtputf8 = true;
  message.envelope.dsn_return = DsnReturn::headers;
  message.envelope.envelope_id = "QQ314159";
  message.received_at = UnixTime(std::chrono::microseconds(1'790'000'000'123'456));
  message.expires_at = message.received_at + std::chrono::hours(120);
  message.message_class = "transactional";
  message.tenant = "acme";
  message.pool = "warm";
  message.client = "192.0.2.7 [client.example]";
  message.body_size = static_cast<std::uint32_t>(content.size());
  message.body_crc32c = crc32c(content);
  acceptance.content = std::make_shared<const std::string>(std::move(content));
  return acceptance;
}

inline CommitBatch accept(std::uint64_t id) {
  CommitBatch batch;
  batch.accepted.push_back(make_acceptance(id));
  return batch;
}

inline CommitBatch remove(std::uint64_t id) {
  CommitBatch batch;
  batch.removals.push_back({MessageId{id}, 2});
  return batch;
}

inline RecipientState make_state(std::uint16_t attempts) {
  return {Disposition::deferred, attempts, UnixTime(std::chrono::seconds(1'790'000'600)), 451,
          "4.7.1 try again later"};
}

inline CommitBatch defer(std::uint64_t id, std::uint16_t recipient, std::uint16_t attempts) {
  CommitBatch batch;
  batch.updates.push_back({MessageId{id}, recipient, make_state(attempts)});
  return batch;
}

// The ids a scan visits.
inline std::vector<std::uint64_t> ids_in(const Spool& spool) {
  std::vector<std::uint64_t> ids;
  const auto scanned = spool.scan(
      [&ids](Recovered&& recovered) {
        ids.push_back(recovered.message.id.value);
        return true;
      },
      [](MessageId, const Error&) {});
  if (!scanned) ids.push_back(0);  // no message's id: makes any expectation fail
  return ids;
}

}  // namespace mailweir::spool::testing
