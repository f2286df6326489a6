#include "relay/bounce.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/crc32c.h"
#include "mail/dsn.h"

namespace mailweir::relay {
namespace {

// Where no reply tells the sender what was wrong, the status and the sentence are ours (RFC 3463).
struct OwnVerdict {
  EnhancedStatus status;
  std::string_view explanation;
};

OwnVerdict verdict_of(engine::Failure failure) {
  using enum engine::Failure;
  switch (failure) {
    case dns_no_such_domain:
      return {{5, 1, 2}, "The recipient's domain does not exist in DNS, or has no mail server."};
    case null_mx:
      return {{5, 1, 10},
              "The recipient's domain says in DNS that it accepts no mail (null MX, RFC 7505)."};
    case target_refused:
      return {{5, 4, 6},
              "The recipient's domain names a mail server on a private or loopback address."};
    case message_too_large:
      return {{5, 3, 4}, "The message is larger than the recipient's server accepts."};
    case needs_8bit_mime:
      return {{5, 6, 1},
              "The message holds 8-bit text, which the recipient's server does not accept."};
    case needs_smtputf8:
      return {{5, 6, 7},
              "The message needs internationalised mail (SMTPUTF8), which the recipient's server "
              "does not offer."};
    case dns_temporary:
      return {{4, 4, 3}, "The recipient's domain could not be looked up in DNS."};
    case none:
    case connect_timeout:
    case connect_refused:
    case connect_reset:
    case network_unreachable:
    case closed:
    case reset:
    case timeout:
    case tls_failed:
    case protocol_error:
    case source_unusable:
    case message_unreadable:
    case cancelled:
      break;
  }
  return {{5, 4, 7}, "The recipient's mail server could not be reached, or did not answer."};
}

DsnRecipient report_on(const engine::Settle& settle, const StoredMessage& message) {
  DsnRecipient report;
  report.recipient = message.envelope.recipients[settle.recipient];
  report.disposition =
      settle.disposition == Disposition::expired ? Disposition::expired : Disposition::bounced;
  report.reply = settle.reply;
  report.remote_host = settle.host;
  report.status = dsn_status(DsnAction::failed, report.disposition, settle.reply);
  if (settle.disposition == Disposition::suppressed) {
    report.status = {5, 7, 1};
    report.explanation = "The recipient is on the sending server's suppression list.";
  } else if (settle.failure != engine::Failure::none && settle.reply.code == 0) {
    const OwnVerdict verdict = verdict_of(settle.failure);
    if (settle.disposition != Disposition::expired) report.status = verdict.status;
    report.explanation = verdict.explanation;
  }
  return report;
}

bool is_postmaster(const DsnRecipient& report, const Mailbox& postmaster) {
  return report.recipient.mailbox == postmaster;
}

}  // namespace

std::shared_ptr<const delivery::QueuedMessage> compose_bounce(
    const BounceSettings& settings, const delivery::QueuedMessage& original,
    std::span<const engine::Settle> failed, UnixTime now,
    const std::function<MessageId()>& new_id) {
  const bool is_double = original.message.envelope.reverse_path.is_null();
  std::vector<DsnRecipient> reports;
  for (const engine::Settle& settle : failed) {
    DsnRecipient report = report_on(settle, original.message);
    // A bounce is composed as soon as the attempt has failed.
    if (settle.disposition == Disposition::bounced) report.last_attempt_at = now;
    if (is_double ||
        is_dsn_wanted(original.message.envelope, report.recipient, DsnAction::failed)) {
      reports.push_back(std::move(report));
    }
  }
  const auto postmaster = Mailbox::parse(settings.postmaster);
  if (is_double) {
    if (!postmaster) return nullptr;
    // A notice to the postmaster that fails is not reported to the postmaster.
    std::erase_if(reports,
                  [&](const DsnRecipient& report) { return is_postmaster(report, *postmaster); });
  }
  if (reports.empty()) return nullptr;

  const MessageId id = new_id();
  const std::string token = to_string(id);
  const DsnRequest request{
      .message = original.message,
      .content = original.content ? std::string_view(*original.content) : std::string_view(),
      .recipients = reports,
      .action = DsnAction::failed,
      .hostname = settings.hostname,
      .token = token,
      .at = now};
  DsnMessage composed =
      is_double ? compose_double_bounce(request, *postmaster) : compose_dsn(request);
  auto dsn = std::make_shared<delivery::QueuedMessage>();
  dsn->content = std::make_shared<const std::string>(std::move(composed.content));
  StoredMessage& stored = dsn->message;
  stored.id = id;
  stored.envelope = std::move(composed.envelope);
  stored.received_at = now;
  stored.expires_at = now + settings.message_class.expiry;
  stored.message_class = settings.message_class.name;
  stored.client = "dsn";
  stored.body_size = static_cast<std::uint32_t>(dsn->content->size());
  stored.body_crc32c = crc32c(*dsn->content);
  return dsn;
}

}  // namespace mailweir::relay
