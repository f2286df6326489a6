#include "config/option_table.h"

#include <array>
#include <string_view>

#include "config/option_builder.h"

namespace mailweir::config {
namespace {

using std::chrono::hours, std::chrono::milliseconds, std::chrono::minutes, std::chrono::seconds;
using Options = std::vector<Option<Config>>;

constexpr ByteCount kib{1024};
constexpr ByteCount mib{1024 * 1024};
const OptionTraits at_restart{.effect = Effect::on_restart};

OptionTraits derived(std::string default_text, Effect effect = Effect::on_reload) {
  return {.effect = effect, .default_text = std::move(default_text)};
}

template <class T>
Option<Config> set(std::string key, std::type_identity_t<Access<Config, T>> access, Kind<T> kind,
                   std::string meaning, OptionTraits traits = {}) {
  return option<Config>(std::move(key), access, std::move(kind), std::move(meaning),
                        std::move(traits));
}

Options server_options() {
  const auto modes = kinds::choice<Mode>({{"sandbox", Mode::sandbox}, {"live", Mode::live}});
  const auto threads = kinds::whole_number<std::uint32_t>(0, 256);
  return {
      set("mode", WEIR_MEMBER(mode), modes,
          "`sandbox` delivers everything into the built-in sink: nothing leaves the machine. "
          "`live` delivers to the world.",
          at_restart),
      set("hostname", WEIR_MEMBER(hostname), kinds::host(),
          "The name of this server: in its greeting, in Received fields, in EHLO unless a source "
          "has its own.",
          derived("the system's host name", Effect::on_restart)),
      set("data_dir", WEIR_MEMBER(data_dir), kinds::path(),
          "Where spool, events and socket live unless they are told otherwise. A relative path "
          "starts at the working directory of the server.",
          at_restart),
      set("io_threads", WEIR_MEMBER(io_threads), threads,
          "Threads for SMTP sessions; 0 is one less than there are processors, but at least two. "
          "With two, the first delivers beside the engine and the second receives; with one, it "
          "does everything.",
          at_restart),
  };
}

Options smtp_options() {
  const auto count = kinds::whole_number<std::uint32_t>(1);
  return {
      set("smtp.listen", WEIR_MEMBER(smtp.listen), kinds::list(kinds::endpoint()),
          "Where SMTP clients connect. An empty list closes that door.", at_restart),
      set("smtp.relay_networks", WEIR_MEMBER(smtp.relay_networks), kinds::relay_networks(),
          "Clients from here may hand in mail for any address; all others are refused. A network "
          "wide enough for an open relay is an error."),
      set("smtp.message_size_max", WEIR_MEMBER(smtp.message_size_max), kinds::bytes(kib),
          "The largest message taken; announced as SIZE, refused with 552."),
      set("smtp.recipients_max", WEIR_MEMBER(smtp.recipients_max),
          kinds::whole_number<std::uint32_t>(100, 50'000),
          "Recipients of one message; more are answered 452, and the client comes again with the "
          "rest (RFC 5321 section 4.5.3.1.10)."),
      set("smtp.sessions_max", WEIR_MEMBER(smtp.sessions_max), count,
          "SMTP sessions open at a time; more are answered 421."),
      set("smtp.sessions_per_address_max", WEIR_MEMBER(smtp.sessions_per_address_max), count,
          "Sessions open at a time from one address; more are answered 421."),
      set("smtp.command_timeout", WEIR_MEMBER(smtp.command_timeout),
          kinds::duration(seconds(1), hours(1)),
          "How long to wait for the next command, or for the next bytes of a message (RFC 5321 "
          "section 4.5.3.2.7 asks for 5m)."),
      set("smtp.session_time_max", WEIR_MEMBER(smtp.session_time_max), kinds::duration(seconds(10)),
          "The longest a session may last; a message being received is finished first."),
      set("smtp.received_max", WEIR_MEMBER(smtp.received_max),
          kinds::whole_number<std::uint32_t>(10, 1000),
          "A message with more Received fields than this is in a loop, and refused."),
      set("smtp.memory_max", WEIR_MEMBER(smtp.memory_max), kinds::bytes(mib),
          "Memory for messages being received, over all sessions; beyond it clients are made to "
          "wait, then answered 452."),
      set("smtp.normalize_networks", WEIR_MEMBER(smtp.normalize_networks), kinds::networks(),
          "Clients whose bare LF line ends are turned into CRLF. From all others a bare LF or CR "
          "is refused, because it smuggles mail."),
  };
}

Options door_options() {
  return {
      set("tls.certificate", WEIR_MEMBER(tls.certificate), kinds::path(),
          "PEM file with the certificate for STARTTLS and the chain behind it.",
          derived("a self-signed one is made at start", Effect::on_restart)),
      set("tls.key", WEIR_MEMBER(tls.key), kinds::path(), "PEM file with its private key.",
          derived("made with the certificate", Effect::on_restart)),
      set("http.listen", WEIR_MEMBER(http.listen), kinds::list(kinds::endpoint()),
          "Where the API, `/metrics` and `/healthz` are served; `/` is a small page of links to "
          "them.",
          at_restart),
      set("admin.socket", WEIR_MEMBER(admin.socket), kinds::path(),
          "The Unix socket the `mailweir` commands talk to.",
          derived("`mailweir.sock` in `data_dir`", Effect::on_restart)),
  };
}

Options storage_options() {
  return {
      set("spool.path", WEIR_MEMBER(spool.path), kinds::path(),
          "The folder of the queue's database.",
          derived("`spool` in `data_dir`", Effect::on_restart)),
      set("spool.free_min", WEIR_MEMBER(spool.free_min), kinds::bytes({}),
          "With less free space than this, new mail is answered 452 while what is queued is "
          "delivered.",
          at_restart),
      set("spool.memory", WEIR_MEMBER(spool.memory), kinds::bytes(ByteCount{8 * mib.value}),
          "Memory of the database: write buffers and cache.", at_restart),
      set("events.path", WEIR_MEMBER(events.path), kinds::path(), "The folder of the event log.",
          derived("`events` in `data_dir`", Effect::on_restart)),
      set("events.file_size_max", WEIR_MEMBER(events.file_size_max), kinds::bytes(mib),
          "A file of the log is followed by the next at this size.", at_restart),
      set("events.total_size_max", WEIR_MEMBER(events.total_size_max), kinds::bytes(mib),
          "Beyond this the oldest files are deleted.", at_restart),
      set("dns.servers", WEIR_MEMBER(dns.servers), kinds::list(kinds::dns_server()),
          "Resolvers to ask; an empty list means those of `/etc/resolv.conf`.", at_restart),
      set("dns.trust_anchor", WEIR_MEMBER(dns.trust_anchor), kinds::path_or_none(),
          "A file with the root's DNSSEC key, such as `/usr/share/dns/root.key`; without it "
          "answers are not validated.",
          at_restart),
      set("dns.timeout", WEIR_MEMBER(dns.timeout), kinds::duration(milliseconds(100), minutes(5)),
          "How long one look-up may take; then the mail is deferred.", at_restart),
  };
}

Options delivery_options() {
  const auto tls = kinds::choice<TlsUse>({{"opportunistic", TlsUse::opportunistic},
                                          {"off", TlsUse::off},
                                          {"required", TlsUse::required}});
  const auto few = kinds::whole_number<std::uint16_t>(1, 1000);
  return {
      set("delivery.tls", WEIR_MEMBER(delivery.tls), tls,
          "`opportunistic`: STARTTLS where offered, in clear if it fails. `required`: mail waits "
          "rather than go in clear. `off`: never."),
      set("delivery.ipv6", WEIR_MEMBER(delivery.ipv6), kinds::flag(),
          "Whether AAAA records are looked up and tried."),
      set("delivery.allow_private_targets", WEIR_MEMBER(delivery.allow_private_targets),
          kinds::flag(),
          "Whether MX hosts may lie on loopback or private addresses. Hosts of a `[[route]]` "
          "always may."),
      set("delivery.addresses_max", WEIR_MEMBER(delivery.addresses_max),
          kinds::whole_number<std::uint32_t>(1, 100),
          "Addresses tried for one session before the next hop counts as unreachable."),
      set("delivery.port", WEIR_MEMBER(delivery.port), kinds::whole_number<std::uint16_t>(1, 65535),
          "The port of MX hosts."),
      set("delivery.recipients_per_transaction_max",
          WEIR_MEMBER(delivery.recipients_per_transaction_max), few,
          "Recipients of a message that share one transaction, where next hop and path agree."),
      set("delivery.transactions_ahead", WEIR_MEMBER(delivery.transactions_ahead),
          kinds::whole_number<std::uint16_t>(1, 16),
          "Transactions a session is given before the first is answered, so that the next envelope "
          "rides behind the last content."),
      set("delivery.session_idle_max", WEIR_MEMBER(delivery.session_idle_max),
          kinds::duration({}, minutes(5)),
          "How long a session without work is kept open for the next message; at least a minute "
          "while mail "
          "waits for the path's next permit, or where connections are what is short."),
  };
}

Options timeout_options() {
  const auto time = kinds::duration(milliseconds(100), hours(1));
  return {
      set("delivery.timeouts.connect", WEIR_MEMBER(delivery.timeouts.connect), time,
          "For the TCP connection."),
      set("delivery.timeouts.banner", WEIR_MEMBER(delivery.timeouts.banner), time,
          "For the server's 220."),
      set("delivery.timeouts.ehlo", WEIR_MEMBER(delivery.timeouts.ehlo), time,
          "For the answer to EHLO or HELO."),
      set("delivery.timeouts.starttls", WEIR_MEMBER(delivery.timeouts.starttls), time,
          "For STARTTLS and the handshake."),
      set("delivery.timeouts.mail", WEIR_MEMBER(delivery.timeouts.mail), time,
          "For the answer to MAIL."),
      set("delivery.timeouts.rcpt", WEIR_MEMBER(delivery.timeouts.rcpt), time,
          "For the answer to RCPT."),
      set("delivery.timeouts.data", WEIR_MEMBER(delivery.timeouts.data), time,
          "For the 354 to DATA."),
      set("delivery.timeouts.data_block", WEIR_MEMBER(delivery.timeouts.data_block), time,
          "For each block of content to be taken."),
      set("delivery.timeouts.end_of_data", WEIR_MEMBER(delivery.timeouts.end_of_data), time,
          "For the answer to the final dot. Too short, and mail is delivered twice."),
      set("delivery.timeouts.quit", WEIR_MEMBER(delivery.timeouts.quit), time,
          "For the answer to QUIT."),
  };
}

Options pacing_options() {
  const auto count = kinds::whole_number<std::uint32_t>(1, 100'000);
  return {
      set("caps.connections", WEIR_MEMBER(caps.connections), count, "Sessions open at a time."),
      set("caps.messages_per_connection", WEIR_MEMBER(caps.messages_per_connection), count,
          "Messages in a session; then it is closed."),
      set("caps.message_rate", WEIR_MEMBER(caps.message_rate), kinds::rate(), "Messages started."),
      set("caps.connection_rate", WEIR_MEMBER(caps.connection_rate), kinds::rate(),
          "Sessions opened."),
      set("pacing.learn", WEIR_MEMBER(pacing.learn), kinds::flag(),
          "Whether each path learns the limit of the other side, holds at its refusals and asks "
          "again with one message at a time. Without it the caps alone hold, and a refusal puts "
          "off only its own message."),
      set("pacing.start_rate", WEIR_MEMBER(pacing.start_rate), kinds::rate(),
          "The pace of a path that nothing is known about; it grows with what is accepted. "
          "`\"unlimited\"`: no pace before the first refusal. Hosts of a `[[route]]` are never "
          "paced before one."),
      set("providers.folder", WEIR_MEMBER(providers.folder), kinds::path_or_none(),
          "A folder of `*.toml` files about mailbox providers, laid over the built-in catalogue: "
          "further MX hosts and rules for refusals (docs/providers.md).",
          {.effect = Effect::on_restart}),
      set("retry.first", WEIR_MEMBER(retry.first), kinds::duration(seconds(1)),
          "The wait after the first refusal."),
      set("retry.factor", WEIR_MEMBER(retry.factor), kinds::real(1, 10),
          "Each wait is this many times the one before."),
      set("retry.longest", WEIR_MEMBER(retry.longest), kinds::duration(seconds(1)),
          "No wait is longer than this."),
      set("retry.jitter", WEIR_MEMBER(retry.jitter), kinds::real(0, 0.9),
          "Each wait is made shorter or longer by chance, by at most this part of it."),
      set("dsn.postmaster", WEIR_MEMBER(dsn.postmaster), kinds::mailbox(),
          "Who hears of bounces that cannot be returned.", derived("`postmaster` at `hostname`")),
      set("suppression.file", WEIR_MEMBER(suppression.file), kinds::path(),
          "Recipients that are not delivered to: one address or `@domain` a line, `#` begins a "
          "comment. Their senders get a bounce message. Read again at every reload."),
  };
}

std::vector<TableSection> tables() {
  return {
      {"", "The server as a whole."},
      {"smtp", "Receiving mail by SMTP."},
      {"tls", "The certificate for STARTTLS. Give both files or none."},
      {"http", "The API for looking, and metrics; changes are made by the commands."},
      {"admin", "The door of the commands."},
      {"spool", "The queue on disk."},
      {"events", "The log of everything that happened (docs/events.md)."},
      {"dns", "Looking up where mail goes."},
      {"delivery", "Handing mail to the servers of others."},
      {"delivery.timeouts",
       "How long to wait at each step. RFC 5321 section 4.5.3.2 gives the defaults."},
      {"caps",
       "The limits of every path, a path being one of our sources together with one mailbox "
       "provider."},
      {"pacing", "What is learned about the limits of others, path by path (docs/pacing.md)."},
      {"providers", "Mailbox providers: their hosts, and what their refusals mean."},
      {"retry",
       "When a recipient that was put off is tried again. Waits of our own choosing do not count."},
      {"dsn", "Bounce messages (RFC 3464)."},
      {"suppression", "Recipients the operator has taken off."},
  };
}

OptionTable build() {
  OptionTable table{.tables = tables(), .options = {}, .lists = list_sections()};
  for (Options& part :
       std::array{server_options(), smtp_options(), door_options(), storage_options(),
                  delivery_options(), timeout_options(), pacing_options()}) {
    std::ranges::move(part, std::back_inserter(table.options));
  }
  return table;
}

}  // namespace

const OptionTable& option_table() {
  static const OptionTable table = build();
  return table;
}

std::string_view table_of(std::string_view key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : key.substr(0, dot);
}

std::string_view key_in_table(std::string_view key) {
  return key.substr(key.rfind('.') + 1);  // npos + 1 is 0
}

}  // namespace mailweir::config
