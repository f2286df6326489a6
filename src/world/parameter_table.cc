#include "world/parameter_table.h"

#include "world/parameter_text.h"

namespace mailweir::world {
namespace {

constexpr Range share{0, 1};
constexpr Range any{};
constexpr Range one_or_more{1};
constexpr Range time_span{1'000, 86'400e6 * 3660};  // of a millisecond at least
constexpr Range depth{0, 9'000'000};
constexpr Range of_sources{0, static_cast<double>(Scope::everyone)};
constexpr Range connect_or_mail{0, static_cast<double>(Step::mail)};

// `member` maps the parameters of one kind to the value that the field stands for.
template <class Parameters, class Member>
Field field(std::string_view name, std::string_view meaning, Member member, Range range = any) {
  return {
      .name = name,
      .meaning = meaning,
      .write = [member, range](ModelParameters& parameters, std::string_view text) -> Result<void> {
        return read_text(text, range, member(std::get<Parameters>(parameters)));
      },
      .read =
          [member](const ModelParameters& parameters) {
            Parameters copy = std::get<Parameters>(parameters);
            return write_text(member(copy));
          }};
}

#define WEIR_FIELD(kind, name, meaning, ...) \
  field<kind>(#name, meaning, [](kind& p) -> auto& { return p.name; } __VA_OPT__(, ) __VA_ARGS__)

template <class Parameters>
void add_place(std::vector<Field>& fields) {
  fields.push_back(WEIR_FIELD(Parameters, phase, "the step that is refused"));
  fields.push_back(WEIR_FIELD(Parameters, reply, "the refusal"));
}

template <class Parameters>
void add_trigger(std::vector<Field>& fields) {
  fields.push_back(field<Parameters>(
      "trip_on", "begins by itself on: never, refusals, messages, unknown, unwanted",
      [](Parameters& p) -> auto& { return p.trip.on; }));
  fields.push_back(field<Parameters>(
      "trip_count", "so many of them", [](Parameters& p) -> auto& { return p.trip.count; },
      one_or_more));
  fields.push_back(field<Parameters>(
      "trip_window", "within this time", [](Parameters& p) -> auto& { return p.trip.window; },
      time_span));
}

template <class Parameters>
std::vector<Field> with_place(std::vector<Field> fields) {
  fields.push_back(WEIR_FIELD(Parameters, scope, "whose count: ip, network, everyone, dkim, spf"));
  add_place<Parameters>(fields);
  return fields;
}

Kind bucket() {
  using P = BucketParameters;
  return {"bucket", "a token bucket", P{},
          with_place<P>({WEIR_FIELD(P, rate, "messages refilled"),
                         WEIR_FIELD(P, burst, "messages held at most", depth)})};
}

Kind window() {
  using P = WindowParameters;
  return {"window", "a count in a sliding time", P{},
          with_place<P>({WEIR_FIELD(P, messages, "accepted within any `length`"),
                         WEIR_FIELD(P, length, "the time that is looked back", time_span)})};
}

Kind quota() {
  using P = QuotaParameters;
  return {"quota", "a count in a fixed day", P{},
          with_place<P>({WEIR_FIELD(P, messages, "accepted a day"),
                         WEIR_FIELD(P, length, "of the day", time_span),
                         WEIR_FIELD(P, turn, "when a day begins, after the start")})};
}

Kind diurnal() {
  using P = DiurnalParameters;
  return {"diurnal", "a token bucket shared with other senders, whose rate follows the day", P{},
          with_place<P>({WEIR_FIELD(P, rate, "messages refilled, on the day's mean"),
                         WEIR_FIELD(P, burst, "messages held at most", depth),
                         WEIR_FIELD(P, swing, "of the rate, up and down over the day", share),
                         WEIR_FIELD(P, noise, "of the rate, anew in each noise_slot", share),
                         WEIR_FIELD(P, least, "of the rate, at the worst", share),
                         WEIR_FIELD(P, peak, "when most is left, after the start"),
                         WEIR_FIELD(P, noise_slot, "how long the noise stays", time_span)})};
}

Kind steps() {
  using P = StepsParameters;
  return {"steps", "a token bucket whose rate changes at given times", P{},
          with_place<P>({WEIR_FIELD(P, rates, "each with its beginning: \"0s=10/s, 5h=4/s\""),
                         WEIR_FIELD(P, burst, "messages held at most", depth)})};
}

Kind connections() {
  using P = ConnectionsParameters;
  return {
      "connections",
      "a cap on connections at once",
      P{},
      {WEIR_FIELD(P, connections, "at once"),
       WEIR_FIELD(P, scope, "whose connections: ip, network, everyone", of_sources),
       WEIR_FIELD(P, phase, "connect, ehlo or mail: the excess is refused there", connect_or_mail),
       WEIR_FIELD(P, carries, "messages that they carry, for an oracle; 0/s: not known"),
       WEIR_FIELD(P, reply, "the refusal")}};
}

Kind connection_rate() {
  using P = ConnectionRateParameters;
  return {
      "connection-rate",
      "a cap on new connections",
      P{},
      {WEIR_FIELD(P, rate, "new connections"), WEIR_FIELD(P, burst, "connections at once", depth),
       WEIR_FIELD(P, scope, "whose connections: ip, network, everyone", of_sources),
       WEIR_FIELD(P, manner, "reply, silence, close, reset"), WEIR_FIELD(P, reply, "the refusal")}};
}

Kind session_length() {
  using P = SessionLengthParameters;
  return {"session-length",
          "a cap on messages in one connection",
          P{},
          {WEIR_FIELD(P, messages, "accepted in one connection", one_or_more),
           WEIR_FIELD(P, manner, "of the end: reply, silence, close, reset"),
           WEIR_FIELD(P, reply, "the refusal")}};
}

Kind penalty_box() {
  using P = PenaltyBoxParameters;
  std::vector<Field> fields;
  add_trigger<P>(fields);
  for (Field& each : std::vector<Field>{
           WEIR_FIELD(P, trip_at, "begins then for everyone, after the start; 0s: never"),
           WEIR_FIELD(P, length, "of the penalty", time_span),
           WEIR_FIELD(P, ends, "fixed, extend, restart, quiet"),
           WEIR_FIELD(P, per_attempt, "with extend: what an attempt adds"),
           WEIR_FIELD(P, length_max, "no attempt puts the end further ahead", time_span),
           WEIR_FIELD(P, quiet_count, "with quiet: fewer than so many in trip_window"),
           WEIR_FIELD(P, scope, "whose penalty: ip, network, everyone", of_sources),
           WEIR_FIELD(P, share, "of the attempts is refused", share),
           WEIR_FIELD(P, rate_inside, "of those not refused; 0/s: any"),
           WEIR_FIELD(P, manner, "reply, silence, close, reset")})
    fields.push_back(std::move(each));
  add_place<P>(fields);
  return {"penalty-box", "refuses a share of the attempts for some time", P{}, std::move(fields)};
}

Kind reputation() {
  using P = ReputationParameters;
  return {"reputation",
          "a daily limit that grows with good days and shrinks with bad ones",
          P{},
          {WEIR_FIELD(P, first, "messages a day of an unknown address", one_or_more),
           WEIR_FIELD(P, most, "messages a day, never more", one_or_more),
           WEIR_FIELD(P, least, "messages a day, never fewer"),
           WEIR_FIELD(P, hour_share, "of the day's in one hour", share),
           WEIR_FIELD(P, growth, "after a good day, a factor", one_or_more),
           WEIR_FIELD(P, shrink, "after a bad day, a factor", share),
           WEIR_FIELD(P, used_share, "of its limit that a good day uses", share),
           WEIR_FIELD(P, good_refused, "a good day has a smaller share refused", share),
           WEIR_FIELD(P, bad_refused, "a bad day has a larger share refused", share),
           WEIR_FIELD(P, bad_unknown, "or more unknown recipients per message", share),
           WEIR_FIELD(P, bad_unwanted, "or more complaints per message", share),
           WEIR_FIELD(P, forget_after, "silence that makes it unknown again", time_span),
           WEIR_FIELD(P, cold, "addresses that begin with `first`; all others with `most`"),
           WEIR_FIELD(P, phase, "the step that is refused"), WEIR_FIELD(P, reply, "the refusal")}};
}

Kind new_ip() {
  using P = NewIpParameters;
  return {"new-ip",
          "distrusts an address without history",
          P{},
          {WEIR_FIELD(P, days, "of history that make it known"),
           WEIR_FIELD(P, day_count, "messages tried on a day that counts", one_or_more),
           WEIR_FIELD(P, share, "of the attempts is refused until then", share),
           WEIR_FIELD(P, cold, "addresses without history"),
           WEIR_FIELD(P, phase, "the step that is refused"), WEIR_FIELD(P, reply, "the refusal")}};
}

Kind block_list() {
  using P = BlockListParameters;
  std::vector<Field> fields{WEIR_FIELD(P, listed, "networks on the list"),
                            WEIR_FIELD(P, listed_at, "since when, after the start")};
  add_trigger<P>(fields);
  for (Field& each :
       std::vector<Field>{WEIR_FIELD(P, length, "of a listing; 0s: only a request ends it"),
                          WEIR_FIELD(P, delist_after, "from a request to the end"),
                          WEIR_FIELD(P, scope, "what is listed: ip, network, everyone", of_sources),
                          WEIR_FIELD(P, manner, "reply, silence, close, reset")})
    fields.push_back(std::move(each));
  add_place<P>(fields);
  return {"block-list", "refuses a listed address until it is delisted", P{}, std::move(fields)};
}

Kind network_block() {
  using P = NetworkBlockParameters;
  return {"network-block",
          "a fault below SMTP, for some addresses",
          P{},
          {WEIR_FIELD(P, blocked, "networks it meets"),
           WEIR_FIELD(P, from, "since when, after the start"),
           WEIR_FIELD(P, until, "until when, after the start; 0s: for ever"),
           WEIR_FIELD(P, per_attempt, "what each connection adds to the end"),
           WEIR_FIELD(P, extension_max, "all of them together"),
           WEIR_FIELD(P, fault,
                      "drop_syn, refuse, close, slow_banner, cut_ehlo, cut_mail, cut_data, "
                      "mute_ehlo, tarpit, cut_tls"),
           WEIR_FIELD(P, delay, "of slow_banner and tarpit")}};
}

Kind outage() {
  using P = OutageParameters;
  return {"outage",
          "some MX hosts are down",
          P{},
          {WEIR_FIELD(P, hosts, "which, numbered from 0: \"0, 2\"", Range{0, 65535}),
           WEIR_FIELD(P, from, "since when, after the start"),
           WEIR_FIELD(P, until, "until when, after the start; 0s: for ever"),
           WEIR_FIELD(P, manner, "reply, silence, close, reset"),
           WEIR_FIELD(P, reply, "the banner of a host that is down")}};
}

Kind tarpit() {
  using P = TarpitParameters;
  return {"tarpit",
          "answers slowly",
          P{},
          {WEIR_FIELD(P, banner, "before the banner"),
           WEIR_FIELD(P, command, "before each answer of the first message"),
           WEIR_FIELD(P, per_message, "more for each message accepted in the session"),
           WEIR_FIELD(P, command_max, "at most")}};
}

Kind greylist() {
  using P = GreylistParameters;
  return {"greylist",
          "refuses the first try of network, sender domain and recipient",
          P{},
          {WEIR_FIELD(P, wait, "a retry passes after this"),
           WEIR_FIELD(P, forget_after, "a later retry is a first try again", time_span),
           WEIR_FIELD(P, known_for, "what passed once passes", time_span),
           WEIR_FIELD(P, share, "of the recipients", share),
           WEIR_FIELD(P, entries_max, "remembered; beyond, mail passes", Range{1, 1U << 26}),
           WEIR_FIELD(P, reply, "the refusal")}};
}

Kind recipients() {
  using P = RecipientsParameters;
  return {
      "recipients",
      "refusals that belong to a recipient, not to the sender",
      P{},
      {WEIR_FIELD(P, unknown, "share of the mailboxes that do not exist", share),
       WEIR_FIELD(P, full, "share of the mailboxes that are full", share),
       WEIR_FIELD(P, filtered, "share of the mailboxes that refuse us at the final dot", share),
       WEIR_FIELD(P, busy, "share of the tries that meet the recipient's own limit", share),
       WEIR_FIELD(P, unknown_reply, "at RCPT"), WEIR_FIELD(P, full_reply, "at RCPT"),
       WEIR_FIELD(P, filtered_reply, "at the final dot"), WEIR_FIELD(P, busy_reply, "at RCPT")}};
}

Kind stray() {
  using P = StrayParameters;
  return {
      "stray",
      "passing trouble that means nothing",
      P{},
      {WEIR_FIELD(P, share, "of the tries", share), WEIR_FIELD(P, phase, "the step that fails"),
       WEIR_FIELD(P, manner, "reply, silence, close, reset"), WEIR_FIELD(P, reply, "the refusal")}};
}

Kind vanish() {
  using P = VanishParameters;
  return {"vanish",
          "accepts and throws away",
          P{},
          {WEIR_FIELD(P, share, "of the messages", share),
           WEIR_FIELD(P, unwanted_share, "of the unwanted ones", share)}};
}

Kind mumble() {
  using P = MumbleParameters;
  return {"mumble",
          "tells refusals of limits and penalties in words that say nothing",
          P{},
          {WEIR_FIELD(P, share, "of those refusals", share),
           WEIR_FIELD(P, reply, "what is said instead")}};
}

#undef WEIR_FIELD

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> table{
      bucket(),      window(),          quota(),          diurnal(),     steps(),
      connections(), connection_rate(), session_length(), penalty_box(), reputation(),
      new_ip(),      block_list(),      network_block(),  outage(),      tarpit(),
      greylist(),    recipients(),      stray(),          vanish(),      mumble()};
  return table;
}

}  // namespace mailweir::world
