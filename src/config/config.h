// Config is everything an operator can set, as plain values: parsed, checked, and complete.
//
// load_config.h fills it; a default-constructed one holds the embedded defaults except those that
// depend on the host or on other settings, which complete() adds. What each option means is written
// once, in option_table.cc, and from there in docs/configuration.md; the comments here only say
// what the documentation does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/networks.h"
#include "base/time.h"
#include "base/units.h"

namespace mailweir::config {

enum class Mode : std::uint8_t {
  sandbox,
  live
};  // sandbox: everything is delivered into the built-in sink

struct SmtpSettings {
  std::vector<Endpoint> listen;  // complete() does not fill it: empty means no SMTP door
  Networks relay_networks;
  Networks normalize_networks;
  ByteCount message_size_max{50ULL << 20};
  std::uint32_t recipients_max = 1000;
  std::uint32_t sessions_max = 10000;
  std::uint32_t sessions_per_address_max = 200;
  Duration command_timeout{std::chrono::minutes(5)};
  Duration session_time_max{std::chrono::hours(1)};
  std::uint32_t received_max = 50;
  ByteCount memory_max{128ULL << 20};

  SmtpSettings();
  friend bool operator==(const SmtpSettings&, const SmtpSettings&) = default;
};

struct TlsSettings {
  std::string certificate;  // both empty: a self-signed one is made at start
  std::string key;
  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

struct HttpSettings {
  std::vector<Endpoint> listen;

  HttpSettings();
  friend bool operator==(const HttpSettings&, const HttpSettings&) = default;
};

struct AdminSettings {
  std::string socket;  // completed from data_dir
  friend bool operator==(const AdminSettings&, const AdminSettings&) = default;
};

struct SpoolSettings {
  std::string path;  // completed from data_dir
  ByteCount free_min{1ULL << 30};
  ByteCount memory{96ULL << 20};
  friend bool operator==(const SpoolSettings&, const SpoolSettings&) = default;
};

struct EventSettings {
  std::string path;  // completed from data_dir
  ByteCount file_size_max{64ULL << 20};
  ByteCount total_size_max{4ULL << 30};
  friend bool operator==(const EventSettings&, const EventSettings&) = default;
};

struct DnsSettings {
  std::vector<Endpoint> servers;  // empty: those of /etc/resolv.conf
  std::string trust_anchor;       // a file; empty: answers are not validated
  Duration timeout{std::chrono::seconds(10)};
  friend bool operator==(const DnsSettings&, const DnsSettings&) = default;
};

enum class TlsUse : std::uint8_t { off, opportunistic, required };

// RFC 5321 section 4.5.3.2 gives the least values for the steps it names.
struct DeliveryTimeouts {
  Duration connect{std::chrono::seconds(30)};
  Duration banner{std::chrono::minutes(5)};
  Duration ehlo{std::chrono::minutes(5)};
  Duration starttls{std::chrono::minutes(2)};
  Duration mail{std::chrono::minutes(5)};
  Duration rcpt{std::chrono::minutes(5)};
  Duration data{std::chrono::minutes(2)};
  Duration data_block{std::chrono::minutes(3)};
  Duration end_of_data{std::chrono::minutes(10)};
  Duration quit{std::chrono::seconds(5)};
  friend bool operator==(const DeliveryTimeouts&, const DeliveryTimeouts&) = default;
};

struct DeliverySettings {
  TlsUse tls = TlsUse::opportunistic;
  bool ipv6 = true;
  bool allow_private_targets = false;
  std::uint32_t addresses_max = 5;
  std::uint16_t port = 25;
  std::uint16_t recipients_per_transaction_max = 100;
  std::uint16_t transactions_ahead = 3;
  Duration session_idle_max{std::chrono::seconds(5)};
  DeliveryTimeouts timeouts;
  friend bool operator==(const DeliverySettings&, const DeliverySettings&) = default;
};

struct Caps {
  std::uint32_t connections = 20;
  std::uint32_t messages_per_connection = 100;
  std::optional<Rate> message_rate;     // none: unlimited
  std::optional<Rate> connection_rate;  // none: unlimited
  friend bool operator==(const Caps&, const Caps&) = default;
};

// A rate in an override: absent (inherit) differs from unlimited.
struct RateLimit {
  std::optional<Rate> rate;  // none: unlimited
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// What is absent is inherited from the less specific settings (docs/configuration.md#caps-for).
struct CapsFor {
  std::string provider;  // catalogue key or domain; empty: every provider
  std::string source;    // empty: every source
  std::optional<std::uint32_t> connections;
  std::optional<std::uint32_t> messages_per_connection;
  std::optional<RateLimit> message_rate;
  std::optional<RateLimit> connection_rate;
  friend bool operator==(const CapsFor&, const CapsFor&) = default;
};

// What is learned of paths (docs/pacing.md).
struct PacingSettings {
  bool learn = true;
  std::optional<Rate> start_rate{Rate{5, std::chrono::seconds(1)}};  // none: unlimited
  friend bool operator==(const PacingSettings&, const PacingSettings&) = default;
};

struct ProviderSettings {
  std::string folder;  // empty: the built-in catalogue alone
  friend bool operator==(const ProviderSettings&, const ProviderSettings&) = default;
};

struct RetrySettings {
  Duration first{std::chrono::minutes(1)};
  double factor = 2.0;
  Duration longest{std::chrono::hours(1)};
  double jitter = 0.2;
  friend bool operator==(const RetrySettings&, const RetrySettings&) = default;
};

struct DsnSettings {
  std::string postmaster;  // completed: postmaster@hostname
  friend bool operator==(const DsnSettings&, const DsnSettings&) = default;
};

struct SuppressionSettings {
  std::string file;  // empty: nobody is suppressed
  friend bool operator==(const SuppressionSettings&, const SuppressionSettings&) = default;
};

struct Source {
  std::string name;
  std::string ipv4;  // empty: the system chooses
  std::string ipv6;
  std::string ehlo;  // empty: hostname
  bool warming = false;
  friend bool operator==(const Source&, const Source&) = default;
};

struct Pool {
  std::string name;
  std::vector<std::string> sources;
  friend bool operator==(const Pool&, const Pool&) = default;
};

struct MessageClass {
  std::string name;
  std::uint8_t priority = 50;
  Duration expiry{std::chrono::days(5)};
  Duration deadline{};  // zero: none
  std::string pool;     // empty: the first
  friend bool operator==(const MessageClass&, const MessageClass&) = default;
};

struct Route {
  std::string domain;  // "example.com", "*.example.com" or "*"
  std::vector<std::string> hosts;
  std::uint16_t port = 25;
  friend bool operator==(const Route&, const Route&) = default;
};

// The conditions that are present must all hold (assignment.h).
struct Assignment {
  std::string sender_domain;  // "example.com" or "*.example.com"
  std::string sender;         // a mailbox; "<>" for the null reverse-path
  Networks client_network;
  std::string listener;  // "127.0.0.1:2525"
  std::string message_class;
  std::string tenant;
  std::string campaign;
  std::string campaign_field;  // the header field that names it
  std::string pool;
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

struct Config {
  Mode mode = Mode::sandbox;
  std::string hostname;  // completed from the system
  std::string data_dir = "./var";
  std::uint32_t io_threads = 0;  // 0: by the number of processors
  SmtpSettings smtp;
  TlsSettings tls;
  HttpSettings http;
  AdminSettings admin;
  SpoolSettings spool;
  EventSettings events;
  DnsSettings dns;
  DeliverySettings delivery;
  Caps caps;
  std::vector<CapsFor> caps_for;
  PacingSettings pacing;
  ProviderSettings providers;
  RetrySettings retry;
  DsnSettings dsn;
  SuppressionSettings suppression;
  std::vector<Source> sources;          // never empty once complete
  std::vector<Pool> pools;              // never empty once complete; the first is the default
  std::vector<MessageClass> classes;    // never empty once complete; the first is the default
  std::vector<Route> routes;            // first match wins
  std::vector<Assignment> assignments;  // first match wins

  friend bool operator==(const Config&, const Config&) = default;
};

// Fills what is still empty from the host's name and from the other settings: paths below data_dir,
// sources, pools, classes.
void complete(Config& config, const std::string& system_hostname);

// The embedded defaults, complete: what a server without configuration runs with.
Config default_config(const std::string& system_hostname);

}  // namespace mailweir::config
