#include "config/value_kind.h"

#include <algorithm>

#include "mail/header.h"
#include "mail/mailbox.h"

namespace mailweir::config {
namespace {

std::string or_nothing(const std::string& text) {
  return text.empty() ? std::string() : quote(text);
}

Kind<std::string> checked(std::string name, std::string example,
                          std::function<Result<std::string>(std::string_view)> parse) {
  return kinds::parsed<std::string>(std::move(name), std::move(example), std::move(parse),
                                    or_nothing);
}

Result<std::string> parse_label(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (text.empty() || text.size() > 64 || !std::ranges::all_of(text, is_allowed)) {
    return fail(
        Errc::invalid_argument,
        fmt::format("{} is not a name; use 1 to 64 letters, digits, '-', '_' or '.'", quote(text)));
  }
  return std::string(text);
}

Result<std::string> parse_field_name(std::string_view text) {
  if (!is_field_name(text) || text.size() > 64) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is not the name of a header field; use 1 to 64 ASCII characters "
                            "without spaces and ':', such as \"X-Campaign\"",
                            quote(text)));
  }
  return std::string(text);
}

Result<std::string> parse_host(std::string_view text) {
  auto host = normalize_domain(text, AddressCharset::ascii);
  // Look-ups bear with an underscore; receivers do not, in EHLO (RFC 5321 section 2.3.5).
  if (host && host->contains('_')) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is not a host name (\"_\" is no letter, digit or hyphen); write it "
                            "as \"mail.example.com\"",
                            quote(text)));
  }
  if (!host) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is not a host name ({}); write it as \"mail.example.com\"",
                            quote(text), host.error().context));
  }
  return host;
}

Result<std::string> parse_route_host(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return to_string(*address);
  const std::size_t colon = text.rfind(':');
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (!port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return fail(
        Errc::invalid_argument,
        fmt::format("{} has a port, which is a key of its own; write {} here, and port = {} "
                    "below it",
                    quote(text), quote(host), port));
  }
  auto host = normalize_domain(text, AddressCharset::ascii);
  if (!host) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is not a host name ({}); write it as \"relay.example.com\"",
                            quote(text), host.error().context));
  }
  return host;
}

// A network as wide as this holds strangers.
Result<Network> parse_relay_network(std::string_view text) {
  constexpr unsigned ipv4_prefix_min = 8;  // 10.0.0.0/8 is the widest private network
  constexpr unsigned ipv6_prefix_min = 16;
  WEIR_TRY(const Network network, Network::parse(text));
  const unsigned least = network.first().is_ipv4() ? ipv4_prefix_min : ipv6_prefix_min;
  if (network.prefix_length() < least) {
    return fail(Errc::invalid_argument,
                fmt::format("{} would make this an open relay; list your own networks, with "
                            "prefixes of at least /{}",
                            to_string(network), least));
  }
  return network;
}

Kind<Networks> networks_of(Result<Network> (*parse)(std::string_view)) {
  const Kind<std::vector<Network>> entries = kinds::list(
      kinds::parsed<Network>("network", "\"192.0.2.0/24\"", parse,
                             [](const Network& network) { return quote(to_string(network)); }));
  return {.name = entries.name,
          .read = [entries](const Node& node) -> ReadResult<Networks> {
            auto values = entries.read(node);
            if (!values) return std::unexpected(std::move(values.error()));
            return Networks(std::move(*values));
          },
          .print = [entries](const Networks& value) { return entries.print(value.entries()); }};
}

Result<std::string> parse_domain_pattern(std::string_view text) {
  if (text == "*") return std::string(text);
  const std::string_view domain = text.starts_with("*.") ? text.substr(2) : text;
  auto normal = normalize_domain(domain, AddressCharset::utf8);
  if (!normal) {
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "{} is not a domain ({}); write it as \"example.com\", \"*.example.com\" or \"*\"",
            quote(text), normal.error().context));
  }
  return domain.size() == text.size() ? *normal : "*." + *normal;
}

Result<std::string> parse_mailbox(std::string_view text) {
  const auto mailbox = Mailbox::parse(text, AddressCharset::utf8);
  if (!mailbox) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is not a mail address ({}); write it as \"user@example.com\"",
                            quote(text), mailbox.error().context));
  }
  return mailbox->text();
}

Result<std::string> parse_address(std::string_view text, bool wants_ipv4) {
  WEIR_TRY(const IpAddress address, IpAddress::parse(text));
  if (address.is_ipv4() != wants_ipv4) {
    return fail(Errc::invalid_argument,
                fmt::format("{} is the wrong kind of address; it belongs into \"{}\"", quote(text),
                            wants_ipv4 ? "ipv6" : "ipv4"));
  }
  return to_string(address);
}

Result<Endpoint> parse_dns_server(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return Endpoint{*address, 53};
  if (const auto endpoint = parse_endpoint(text)) return *endpoint;
  return fail(
      Errc::invalid_argument,
      fmt::format("{} is not a name server; write it as \"192.0.2.53\" or \"192.0.2.53:5353\"",
                  quote(text)));
}

Result<std::optional<Rate>> parse_rate_or_unlimited(std::string_view text) {
  if (text == "unlimited") return std::optional<Rate>();
  auto rate = parse_rate(text);
  if (!rate) return fail(Errc::invalid_argument, rate.error().context + ", or \"unlimited\"");
  return std::optional(*rate);
}

std::string print_rate(const std::optional<Rate>& rate) {
  return quote(rate ? to_string(*rate) : "unlimited");
}

std::string print_endpoint(const Endpoint& endpoint) {
  return quote(to_string(endpoint));
}

}  // namespace

std::unexpected<std::vector<Complaint>> complain(const Node& node, std::string message) {
  return std::unexpected(std::vector{Complaint{node.place, std::move(message)}});
}

std::unexpected<std::vector<Complaint>> complain_type(const Node& node, std::string_view example) {
  return complain(node, fmt::format("this is {}; write it as {}", kind_of(node), example));
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

namespace kinds {

Kind<bool> flag() {
  return {.name = "true or false",
          .read = [](const Node& node) -> ReadResult<bool> {
            const auto* value = std::get_if<bool>(&node.value);
            if (value == nullptr) return complain_type(node, "true or false");
            return *value;
          },
          .print = [](const bool& value) { return std::string(value ? "true" : "false"); }};
}

Kind<double> real(double min, double max) {
  const std::string range = fmt::format("{} to {}", min, max);
  return {.name = "number, " + range,
          .read = [=](const Node& node) -> ReadResult<double> {
            const auto* whole = std::get_if<std::int64_t>(&node.value);
            const auto* fraction = std::get_if<double>(&node.value);
            if (whole == nullptr && fraction == nullptr)
              return complain_type(node, fmt::format("{:.1f}", min));
            const double value = whole != nullptr ? static_cast<double>(*whole) : *fraction;
            // Not (value < min): a NaN is out of range too.
            if (!(value >= min && value <= max)) {
              return complain(node, fmt::format("{} is out of range; give {}", value, range));
            }
            return value;
          },
          // A whole number needs its point to stay a TOML float.
          .print =
              [](const double& value) {
                return value == std::floor(value) ? fmt::format("{:.1f}", value)
                                                  : fmt::format("{}", value);
              }};
}

Kind<Duration> duration(Duration min, Duration max) {
  const std::string least = min > Duration::zero() ? ", at least " + to_string(min) : std::string();
  Kind<Duration> kind = parsed<Duration>(
      "duration" + least, "\"5m\"",
      [=](std::string_view text) -> Result<Duration> {
        WEIR_TRY(const Duration value, parse_duration(text));
        if (value < min || value > max) {
          return fail(Errc::invalid_argument,
                      fmt::format("{} is out of range; give {} to {}", quote(text), to_string(min),
                                  to_string(max)));
        }
        return value;
      },
      [](const Duration& value) { return quote(to_string(value)); });
  kind.read = [read = kind.read, min, max](const Node& node) -> ReadResult<Duration> {
    // A bare number is mostly meant in seconds.
    if (const auto* number = std::get_if<std::int64_t>(&node.value)) {
      const bool fits =
          *number > 0 && *number <= std::chrono::floor<std::chrono::seconds>(max).count();
      const Duration meant = std::chrono::seconds(fits ? *number : 0);
      if (fits && meant >= min) return complain_type(node, quote(to_string(meant)));
    }
    return read(node);
  };
  return kind;
}

Kind<ByteCount> bytes(ByteCount min) {
  const std::string least = min.value > 0 ? ", at least " + to_string(min) : std::string();
  return parsed<ByteCount>(
      "size" + least, "\"50MiB\"",
      [=](std::string_view text) -> Result<ByteCount> {
        WEIR_TRY(const ByteCount value, parse_byte_count(text));
        if (value < min) {
          return fail(Errc::invalid_argument, fmt::format("{} is too small; give at least {}",
                                                          quote(text), to_string(min)));
        }
        return value;
      },
      [](const ByteCount& value) { return quote(to_string(value)); });
}

Kind<std::optional<Rate>> rate() {
  return parsed<std::optional<Rate>>("rate or \"unlimited\"", "\"20/min\"", parse_rate_or_unlimited,
                                     print_rate);
}

Kind<RateLimit> rate_limit() {
  return parsed<RateLimit>(
      "rate or \"unlimited\"", "\"20/min\"",
      [](std::string_view text) -> Result<RateLimit> {
        WEIR_TRY(const std::optional<Rate> value, parse_rate_or_unlimited(text));
        return RateLimit{value};
      },
      [](const RateLimit& limit) { return print_rate(limit.rate); });
}

Kind<std::string> text(std::string name) {
  return parsed<std::string>(
      std::move(name), "\"…\"",
      [](std::string_view value) -> Result<std::string> { return std::string(value); }, quote);
}

Kind<std::string> path() {
  return checked("path", "\"/path/to/file\"", [](std::string_view value) -> Result<std::string> {
    if (value.empty() || value.contains('\0')) {
      return fail(Errc::invalid_argument,
                  "this is not a path; name a file or folder, or leave the key out");
    }
    return std::string(value);
  });
}

Kind<std::string> path_or_none() {
  Kind<std::string> kind = path();
  kind.read = [read = kind.read](const Node& node) -> ReadResult<std::string> {
    const auto* text = std::get_if<std::string>(&node.value);
    return text != nullptr && text->empty() ? ReadResult<std::string>() : read(node);
  };
  return kind;
}

Kind<std::string> label() {
  return checked("name", "\"name\"", parse_label);
}

Kind<std::string> field_name() {
  return checked("header field", "\"X-Campaign\"", parse_field_name);
}

Kind<std::string> host() {
  return checked("host name", "\"mail.example.com\"", parse_host);
}

Kind<std::string> host_or_address() {
  return checked("host name or IP address", "\"relay.example.com\"", parse_route_host);
}

Kind<std::string> domain_pattern() {
  return checked("domain", "\"example.com\"", parse_domain_pattern);
}

Kind<std::string> mailbox() {
  return checked("mail address", "\"user@example.com\"", parse_mailbox);
}

Kind<std::string> sender() {
  return checked("mail address or \"<>\"", "\"user@example.com\"", [](std::string_view text) {
    return text == "<>" ? Result<std::string>(text) : parse_mailbox(text);
  });
}

Kind<std::string> ipv4() {
  return checked("IPv4 address", "\"192.0.2.1\"",
                 [](std::string_view text) { return parse_address(text, true); });
}

Kind<std::string> ipv6() {
  return checked("IPv6 address", "\"2001:db8::1\"",
                 [](std::string_view text) { return parse_address(text, false); });
}

Kind<Endpoint> endpoint() {
  return parsed<Endpoint>("address with port", "\"127.0.0.1:2525\"", parse_endpoint,
                          print_endpoint);
}

Kind<Endpoint> dns_server() {
  return parsed<Endpoint>("IP address, with or without port", "\"192.0.2.53\"", parse_dns_server,
                          print_endpoint);
}

Kind<Networks> networks() {
  return networks_of(Network::parse);
}

Kind<Networks> relay_networks() {
  return networks_of(parse_relay_network);
}

}  // namespace kinds
}  // namespace mailweir::config
