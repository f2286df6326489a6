#include "config/option_builder.h"

namespace mailweir::config {
namespace {

const OptionTraits needed{.is_required = true};

template <class Item, class T>
Option<Item> of(std::string key, std::type_identity_t<Access<Item, T>> access, Kind<T> kind,
                std::string meaning, OptionTraits traits = {}) {
  return option<Item>(std::move(key), access, std::move(kind), std::move(meaning),
                      std::move(traits));
}

ListSection sources() {
  return list_section<Source>(
      "source", &Config::sources,
      {of<Source>("name", WEIR_MEMBER(name), kinds::label(),
                  "How pools, caps, events and metrics call it.", needed),
       of<Source>("ipv4", WEIR_MEMBER(ipv4), kinds::ipv4(),
                  "Connections over IPv4 leave from this address.",
                  {.default_text = "the system chooses"}),
       of<Source>("ipv6", WEIR_MEMBER(ipv6), kinds::ipv6(),
                  "Connections over IPv6 leave from this address.",
                  {.default_text = "the system chooses"}),
       of<Source>("ehlo", WEIR_MEMBER(ehlo), kinds::host(),
                  "The name it gives in EHLO; the address's PTR record should say the same.",
                  {.default_text = "`hostname`"}),
       of<Source>("warming", WEIR_MEMBER(warming), kinds::put_last_if<bool>(false, kinds::flag()),
                  "Whether it is new to the providers: its paths take smaller steps up, and wait "
                  "longer after a refusal.",
                  {.default_text = "`false`"})},
      "Our addresses that mail leaves from. Without any there is one, `default`, whose address the "
      "system chooses.");
}

ListSection pools() {
  return list_section<Pool>("pool", &Config::pools,
                            {of<Pool>("name", WEIR_MEMBER(name), kinds::label(),
                                      "How classes and assignments call it.", needed),
                             of<Pool>("sources", WEIR_MEMBER(sources), kinds::list(kinds::label()),
                                      "Sources that share the pool's mail.", needed)},
                            "Groups of sources. The first is the default. Without any there is "
                            "one, `default`, of all sources.");
}

ListSection classes() {
  return list_section<MessageClass>(
      "class", &Config::classes,
      {of<MessageClass>("name", WEIR_MEMBER(name), kinds::label(),
                        "How assignments, events and metrics call it.", needed),
       of<MessageClass>("priority", WEIR_MEMBER(priority),
                        kinds::whole_number<std::uint8_t>(0, 100),
                        "Higher goes first on a path; waiting raises it."),
       of<MessageClass>("expiry", WEIR_MEMBER(expiry), kinds::duration(std::chrono::minutes(1)),
                        "Mail older than this is given up, and bounced."),
       of<MessageClass>("deadline", WEIR_MEMBER(deadline),
                        kinds::put_last_if<Duration>({}, kinds::duration(std::chrono::seconds(1))),
                        "Mail should be delivered within this time; within a class the nearest "
                        "deadline goes first."),
       of<MessageClass>("pool", WEIR_MEMBER(pool), kinds::label(),
                        "Where mail of the class leaves.", {.default_text = "the first pool"})},
      "Kinds of mail that must not wait for each other. The first is the class of mail that "
      "nothing assigns to another. Without any there are "
      "three: `default` (priority 50, expiry 5d), `notice` (80, 1d, deadline 5m) and `bulk` (20, "
      "3d); writing one replaces them all.");
}

ListSection routes() {
  return list_section<Route>(
      "route", &Config::routes,
      {of<Route>(
           "domain", WEIR_MEMBER(domain), kinds::domain_pattern(),
           "Whose mail: `\"example.com\"`, `\"*.example.com\"` (its subdomains), or `\"*\"` (all).",
           needed),
       of<Route>("hosts", WEIR_MEMBER(hosts), kinds::list(kinds::host_or_address()),
                 "Where it goes, tried in this order; without the port.", needed),
       of<Route>("port", WEIR_MEMBER(port), kinds::whole_number<std::uint16_t>(1, 65535),
                 "Their port.")},
      "Mail that goes to fixed hosts (smarthosts) without an MX look-up. The first route that "
      "matches counts. In sandbox mode routes are without effect.");
}

ListSection assignments() {
  return list_section<Assignment>(
      "assign", &Config::assignments,
      {of<Assignment>("sender_domain", WEIR_MEMBER(sender_domain), kinds::domain_pattern(),
                      "The domain of the envelope sender."),
       of<Assignment>("sender", WEIR_MEMBER(sender), kinds::sender(),
                      "The envelope sender; `\"<>\"` is the null sender of bounces. Upper and "
                      "lower case are alike."),
       of<Assignment>("client_network", WEIR_MEMBER(client_network),
                      kinds::put_last_if<Networks>({}, kinds::networks()),
                      "Networks of the client that handed the mail in."),
       of<Assignment>(
           "listener", WEIR_MEMBER(listener),
           kinds::put_last_if<std::string>({}, kinds::text("text")),
           "The door it came in by: an address of `smtp.listen`, or `\"http\"`, or `\"admin\"`."),
       of<Assignment>("class", WEIR_MEMBER(message_class), kinds::label(), "The class it gets.",
                      {.default_text = "the first class"}),
       of<Assignment>("tenant", WEIR_MEMBER(tenant), kinds::label(),
                      "The tenant it counts for: tenants share a path fairly."),
       of<Assignment>("campaign", WEIR_MEMBER(campaign), kinds::label(),
                      "The tenant's campaign it belongs to, told apart when a path is refused."),
       of<Assignment>("campaign_field", WEIR_MEMBER(campaign_field), kinds::field_name(),
                      "The header field whose value names the campaign, such as "
                      "`\"X-Campaign\"` or `\"Feedback-ID\"`; it stays in the message."),
       of<Assignment>("pool", WEIR_MEMBER(pool), kinds::label(), "Where it leaves.",
                      {.default_text = "the pool of its class"})},
      "Which mail gets which class, tenant, campaign and pool. All conditions of an entry must "
      "hold; the "
      "first entry that matches counts; "
      "an entry without conditions matches all.");
}

ListSection caps_for() {
  const auto count = kinds::optional(kinds::whole_number<std::uint32_t>(1, 100'000));
  const OptionTraits inherited{.default_text = "inherited"};
  return list_section<CapsFor>(
      "caps.for", &Config::caps_for,
      {of<CapsFor>("provider", WEIR_MEMBER(provider), kinds::label(),
                   "A key of the provider catalogue, or a domain.",
                   {.default_text = "every provider"}),
       of<CapsFor>("source", WEIR_MEMBER(source), kinds::label(), "The name of a source.",
                   {.default_text = "every source"}),
       of<CapsFor>("connections", WEIR_MEMBER(connections), count, "As in `[caps]`.", inherited),
       of<CapsFor>("messages_per_connection", WEIR_MEMBER(messages_per_connection), count,
                   "As in `[caps]`.", inherited),
       of<CapsFor>("message_rate", WEIR_MEMBER(message_rate), kinds::optional(kinds::rate_limit()),
                   "As in `[caps]`.", inherited),
       of<CapsFor>("connection_rate", WEIR_MEMBER(connection_rate),
                   kinds::optional(kinds::rate_limit()), "As in `[caps]`.", inherited)},
      "Limits of particular paths. What an entry leaves out it inherits: first from an entry for "
      "the provider alone, then from one for the "
      "source alone, then from `[caps]`.");
}

}  // namespace

std::vector<ListSection> list_sections() {
  return {caps_for(), sources(), pools(), classes(), routes(), assignments()};
}

}  // namespace mailweir::config
