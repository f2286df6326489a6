#include "world/personalities.h"

namespace mailweir::world {
namespace {

// Inert until `mailweir sink` or a scenario blocks an address by hand.
ModelSpec network() {
  return {"network", NetworkBlockParameters{}};
}

ReceiverSpec plain() {
  return {"plain",
          "accepts everything; trips and blocks only by hand",
          {network(), {"penalty", PenaltyBoxParameters{}}}};
}

ReceiverSpec microsoft365() {
  return {
      "microsoft365",
      "refuses half of the messages at RCPT, longer with every attempt, once a rate is passed",
      {network(),
       {"connections",
        ConnectionsParameters{
            .connections = 50,
            .reply = {421,
                      "4.3.2 The maximum number of concurrent connections per resource forest "
                      "has exceeded a limit, closing transmission channel (PRX8)"}}},
       {"new-ip",
        NewIpParameters{.day_count = 50,
                        .share = 0.3,
                        .phase = Step::rcpt,
                        .reply = {451, "4.7.550 Access denied, please try again later (AS550)"}}},
       {"penalty",
        PenaltyBoxParameters{
            .trip = {.on = TripOn::messages, .count = 7'200, .window = 10min},
            .length = 30min,
            .ends = PenaltyEnd::extend,
            .per_attempt = 30s,
            .length_max = 1h,
            .share = 0.5,
            .phase = Step::rcpt,
            .reply = {451, "4.7.500 Server busy. Please try again later from [{ip}]. (S77719)"}}},
       {"block-list",
        BlockListParameters{
            .delist_after = 24h,
            .phase = Step::rcpt,
            .reply = {550, "5.7.606 Access denied, banned sending IP [{ip}] (AS16012609)"}}},
       {"recipients",
        RecipientsParameters{
            .unknown = 0.01,
            .busy = 0.002,
            .per_message = 200,
            .unknown_reply = {550, "5.4.1 Recipient address rejected: Access denied."},
            .busy_reply = {432, "4.3.2 STOREDRV.Deliver; recipient thread limit exceeded"},
            .per_message_reply = {452, "4.5.3 Too many recipients"}}},
       {"stray", StrayParameters{.share = 0.001,
                                 .phase = Step::mail,
                                 .reply = {451,
                                           "4.7.0 Temporary server error. Please try again later. "
                                           "PRX4"}}}}};
}

ReceiverSpec outlook_consumer() {
  return {
      "outlook-consumer",
      "limits by reputation, by hour and by connections, all told at MAIL",
      {network(),
       {"penalty",
        PenaltyBoxParameters{
            .trip = {.on = TripOn::refusals, .count = 50, .window = 5min},
            .length = 30min,
            .reply = {421,
                      "RP-001 Unfortunately, some messages from {ip} weren't sent. We have "
                      "limits for how many messages can be sent."}}},
       {"block-list",
        BlockListParameters{
            .delist_after = 48h,
            .phase = Step::mail,
            .reply = {550,
                      "5.7.1 Unfortunately, messages from [{ip}] weren't sent: part of their "
                      "network is on our block list (S3140)."}}},
       {"connections",
        ConnectionsParameters{
            .connections = 500,
            .phase = Step::mail,
            .reply = {451,
                      "4.7.652 The mail server [{ip}] has exceeded the maximum number of "
                      "connections (S3115)."}}},
       {"session",
        SessionLengthParameters{
            .messages = 500,
            .reply = {421,
                      "RP-002 The mail server [{ip}] has exceeded the rate limit allowed on "
                      "this connection."}}},
       {"reputation",
        ReputationParameters{
            .first = 500,
            .most = 400'000,
            .reply = {451,
                      "4.7.650 The mail server [{ip}] has been temporarily rate limited due "
                      "to IP reputation (S775)."}}},
       {"window",
        WindowParameters{
            .messages = 18'000,
            .reply = {451,
                      "4.7.651 The mail server [{ip}] has been temporarily rate limited due "
                      "to IP reputation (S3114)."}}},
       {"recipients",
        RecipientsParameters{
            .unknown = 0.01,
            .unknown_reply = {550, "5.5.0 Requested action not taken: mailbox unavailable."}}},
       {"stray", StrayParameters{.share = 0.001,
                                 .phase = Step::mail,
                                 .reply = {451, "4.7.700 PFA agent busy, please try again."}}}}};
}

BucketParameters gmail_quota(Rate rate, Scope scope, std::string_view whose) {
  return {
      .rate = rate,
      .burst = 10 * rate.events,
      .scope = scope,
      .phase = Step::end_of_data,
      .reply = {421, "4.7.28 Gmail has detected an unusual rate of mail originating from your " +
                         std::string(whose) +
                         ".\n4.7.28 To protect our users from spam, mail sent from it has been "
                         "temporarily rate limited."}};
}

ReceiverSpec gmail() {
  return {"gmail",
          "quotas by address, network, DKIM and SPF domain, told at the final dot",
          {network(),
           {"guard",
            ConnectionsParameters{.connections = 20,
                                  .phase = Step::ehlo,
                                  .reply = {421, "4.7.0 Try again later, closing connection."}}},
           {"penalty",
            PenaltyBoxParameters{
                .trip = {.on = TripOn::refusals, .count = 100, .window = 10min},
                .length = 10min,
                .ends = PenaltyEnd::restart,
                .phase = Step::end_of_data,
                .reply = {421,
                          "4.7.28 Gmail has detected an unusual amount of unsolicited mail "
                          "originating from your IP address [{ip}]; mail from it has been "
                          "temporarily blocked."}}},
           {"block-list",
            BlockListParameters{.delist_after = 24h * 7,
                                .phase = Step::end_of_data,
                                .reply = {550,
                                          "5.7.1 [{ip}] Gmail has detected that this message is "
                                          "suspicious due to the very low reputation of the "
                                          "sending IP address."}}},
           {"reputation",
            ReputationParameters{.first = 1'000,
                                 .most = 1'000'000,
                                 .phase = Step::end_of_data,
                                 .reply = {421,
                                           "4.7.0 [{ip}] Gmail has detected that this message is "
                                           "suspicious due to the very low reputation of the "
                                           "sending IP address."}}},
           {"ip-quota", gmail_quota({10, 1s}, Scope::ip, "IP address [{ip}]")},
           {"netblock-quota", gmail_quota({40, 1s}, Scope::network, "IP Netblock [{network}]")},
           {"dkim-quota", gmail_quota({100, 1s}, Scope::dkim, "DKIM domain [{dkim}]")},
           {"spf-quota", gmail_quota({100, 1s}, Scope::spf, "SPF domain [{domain}]")},
           {"recipients",
            RecipientsParameters{
                .unknown = 0.005,
                .full = 0.005,
                .busy = 0.001,
                .unknown_reply = {550,
                                  "5.1.1 The email account that you tried to reach does not "
                                  "exist."},
                .full_reply = {452, "4.2.2 The recipient's inbox is out of storage space."},
                .busy_reply = {450,
                               "4.2.1 The user you are trying to contact is receiving mail too "
                               "quickly."}}},
           {"stray",
            StrayParameters{.share = 0.0005,
                            .phase = Step::end_of_data,
                            .reply = {421, "4.3.0 Temporary System Problem. Try again later."}}}}};
}

ReceiverSpec yahoo() {
  return {"yahoo",
          "defers an address for hours after a spike; closes without a word after 20 messages",
          {network(),
           {"connections",
            ConnectionsParameters{.connections = 20,
                                  .reply = {451,
                                            "4.3.2 Resources temporarily unavailable. Please try "
                                            "again later [#4.16.1]."}}},
           {"penalty",
            PenaltyBoxParameters{
                .trip = {.on = TripOn::messages, .count = 6'000, .window = 10min},
                .length = 2h,
                .reply = {421,
                          "4.7.0 [TSS04] Messages from {ip} temporarily deferred due to "
                          "unexpected volume or user complaints - 4.16.55.1"}}},
           {"complaints",
            PenaltyBoxParameters{
                .trip = {.on = TripOn::unwanted, .count = 50, .window = 1h},
                .length = 4h,
                .reply = {421,
                          "4.7.0 [TSS05] Messages from {ip} temporarily deferred due to "
                          "unexpected volume or user complaints - 4.16.55.1"}}},
           {"block-list",
            BlockListParameters{.delist_after = 48h,
                                .phase = Step::mail,
                                .reply = {553,
                                          "5.7.2 [TSS09] All messages from {ip} will be "
                                          "permanently deferred; Retrying will NOT succeed."}}},
           {"session", SessionLengthParameters{.messages = 20, .manner = Manner::close}},
           {"recipients",
            RecipientsParameters{
                .filtered = 0.01,
                .busy = 0.001,
                .filtered_reply = {554,
                                   "delivery error: dd This user doesn't have a yahoo.com "
                                   "account"},
                .busy_reply = {450, "User is receiving mail too quickly"}}}}};
}

ReceiverSpec icloud() {
  return {
      "icloud",
      "defers excessive volume at RCPT, and refuses the listed at the banner",
      {network(),
       {"connections",
        ConnectionsParameters{.connections = 10,
                              .reply = {421, "4.7.0 Too many connections from {ip}"}}},
       {"penalty",
        PenaltyBoxParameters{.trip = {.on = TripOn::refusals, .count = 50, .window = 5min},
                             .length = 15min,
                             .ends = PenaltyEnd::restart,
                             .reply = {421, "[HCM1] Your mail from {ip} was deferred"}}},
       {"block-list", BlockListParameters{.reply = {554, "ESMTP not accepting connections"}}},
       {"bucket", BucketParameters{.rate = {5, 1s},
                                   .burst = 100,
                                   .phase = Step::rcpt,
                                   .reply = {421,
                                             "4.7.1 Messages from {ip} deferred due to excessive "
                                             "volume. Try again later"}}},
       {"recipients",
        RecipientsParameters{.unknown = 0.01,
                             .full = 0.01,
                             .unknown_reply = {550, "5.1.1 <{mailbox}>: user does not exist"},
                             .full_reply = {552, "5.2.2 <{mailbox}>: user is over quota"}}},
       {"stray", StrayParameters{.share = 0.001,
                                 .phase = Step::mail,
                                 .reply = {451, "4.7.1 Service unavailable - try again later"}}},
       {"vanish", VanishParameters{.unwanted_share = 0.5}}}};
}

ReceiverSpec docomo() {
  const Wording unavailable{421, "Service not available, closing transmission channel"};
  return {
      "docomo",
      "few sessions; shuts out the whole network after many unknown users",
      {network(),
       {"block-list",
        BlockListParameters{.trip = {.on = TripOn::unknown, .count = 2'000, .window = 1h},
                            .length = 2h,
                            .delist_after = 1h,
                            .scope = Scope::network,
                            .reply = unavailable}},
       {"connections", ConnectionsParameters{.connections = 8, .reply = unavailable}},
       {"recipients", RecipientsParameters{.unknown = 0.005,
                                           .filtered = 0.03,
                                           .per_message = 100,
                                           .unknown_reply = {550, "Unknown user {mailbox}"},
                                           .filtered_reply = {550, "Unknown user"},
                                           .per_message_reply = {552, "Too many recipients"}}}}};
}

ReceiverSpec au() {
  return {
      "au",
      "a limit that moves with the carrier's load; answers excess and dead addresses with RST",
      {network(),
       {"penalty",
        PenaltyBoxParameters{.trip = {.on = TripOn::refusals, .count = 20, .window = 5min},
                             .length = 20min,
                             .phase = Step::connect,
                             .manner = Manner::reset}},
       {"block-list",
        BlockListParameters{.trip = {.on = TripOn::unknown, .count = 2'000, .window = 1h},
                            .length = 2h,
                            .delist_after = 1h,
                            .scope = Scope::network,
                            .manner = Manner::reset}},
       {"bucket",
        DiurnalParameters{.rate = {5, 1s},
                          .burst = 50,
                          .swing = 0.4,
                          .noise = 0.4,
                          .reply = {421, "Service not available, closing transmission channel"}}},
       {"recipients", RecipientsParameters{.unknown = 0.005,
                                           .filtered = 0.02,
                                           .per_message = 100,
                                           .unknown_reply = {550, "<{mailbox}>: User unknown"},
                                           .filtered_reply = {550, ": User unknown"},
                                           .per_message_reply = {452, "Too many recipients"}}},
       {"vanish", VanishParameters{.share = 0.01}}}};
}

ReceiverSpec greylister() {
  return {"greylister",
          "refuses the first try of every network, sender domain and recipient for 5 minutes",
          {network(), {"penalty", PenaltyBoxParameters{}}, {"greylist", GreylistParameters{}}}};
}

ReceiverSpec tarpit() {
  return {"tarpit",
          "takes everything, slowly, and more slowly with each message of a session",
          {network(), {"penalty", PenaltyBoxParameters{}}, {"tarpit", TarpitParameters{}}}};
}

}  // namespace

std::vector<ReceiverSpec> provider_personalities() {
  return {plain(),  microsoft365(), outlook_consumer(), gmail(), yahoo(), icloud(),
          docomo(), au(),           greylister(),       tarpit()};
}

}  // namespace mailweir::world
