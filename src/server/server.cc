#include "server/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <utility>

#include "base/random.h"
#include "config/diff_config.h"
#include "config/show_config.h"
#include "console/admin_api.h"
#include "console/http_server.h"
#include "intake/smtp_listener.h"
#include "intake/tls_identity.h"
#include "operations/event_log.h"
#include "operations/metric_set.h"
#include "relay/recorder.h"
#include "relay/relay.h"
#include "runtime/clock.h"
#include "runtime/unbound_resolver.h"
#include "server/admin.h"
#include "server/settings.h"
#include "server/version.h"
#include "sink/sink.h"
#include "spool/commit_queue.h"
#include "spool/rocks_spool.h"

namespace mailweir::server {
namespace {

constexpr auto stop_grace = std::chrono::seconds(30);
constexpr int exit_io_error = 70;  // EX_SOFTWARE of sysexits.h; docs/cli.md

std::uint64_t entropy() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

// The kernel may already have marked the lost pages clean, so nothing may be acknowledged after
// this: a restart reads back what is really there (docs/adr/0003).
[[noreturn]] void end_after_io_error(const Error& error) {
  std::fprintf(stderr,
               "mailweir: the spool cannot be written: %s\n"
               "  Nothing more is acknowledged; every message acknowledged before is safe. The "
               "process ends with status %d.\n"
               "  Check the disk (dmesg, smartctl), then start the server again.\n",
               error.context.c_str(), exit_io_error);
  std::fflush(stderr);
  ::_exit(exit_io_error);
}

Result<void> make_directory(const std::string& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (failure) {
    return fail(
        Errc::io,
        fmt::format(
            "cannot make the folder {}: {}; make it yourself, or name another with data_dir", path,
            failure.message()));
  }
  return {};
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

// Threads end last: everything that runs on them has been stopped before.
//
// With one I/O thread the engine shares it: what crosses between them then wakes nobody, which on a
// small machine is worth more than a second thread.
struct Threads {
  runtime::IoThread reader{"reader"};
  runtime::IoThread admin{"admin"};
  runtime::IoThread desk{"desk"};  // reads for people: a long trace must not hold up deliveries
  std::vector<std::unique_ptr<runtime::IoThread>> io;
  std::unique_ptr<runtime::IoThread> own_engine;

  explicit Threads(std::size_t io_count) {
    for (std::size_t i = 0; i < io_count; ++i)
      io.push_back(std::make_unique<runtime::IoThread>(fmt::format("io-{}", i)));
    if (io_count > 2) own_engine = std::make_unique<runtime::IoThread>("engine");
  }
  ~Threads() {
    for (auto& thread : io) thread->join();
    admin.join();
    reader.join();
    desk.join();
    if (own_engine) own_engine->join();
  }
  runtime::IoThread& engine() { return own_engine ? *own_engine : *io.front(); }
  std::vector<runtime::IoThread*> io_threads() {
    std::vector<runtime::IoThread*> threads;
    threads.reserve(io.size());
    for (auto& thread : io) threads.push_back(thread.get());
    return threads;
  }
  // With two, the first delivers, beside the engine, so that its orders cross no threads; the
  // second receives. More than two do both.
  std::vector<runtime::IoThread*> delivery_threads() {
    return io.size() == 2 ? std::vector{io[0].get()} : io_threads();
  }
  std::vector<runtime::IoThread*> intake_threads() {
    return io.size() == 2 ? std::vector{io[1].get()} : io_threads();
  }
};

}  // namespace

// Declared in the order of dependence, so that destruction is safe after a start that failed
// half-way.
struct Server::State {
  State(ServerOptions server_options, config::Loaded from)
      : options(std::move(server_options)),
        loaded(std::move(from)),
        threads(io_thread_count(loaded.config)) {}

  Result<void> start();
  Result<void> start_storage();
  Result<void> start_relay();
  Result<void> start_intake();
  Result<void> start_console();
  void observe_metrics();
  void restore_queue();
  Result<console::ReloadResult> reload(const std::string& actor);
  std::string suppression_change(const relay::RelayOptions& next);
  std::unexpected<Error> reject(const std::vector<std::string>& problems);
  void stop(const std::string& reason);

  // While starting, before a reload can come.
  const config::Config& config() const { return loaded.config; }
  std::shared_ptr<const relay::SuppressionList> suppression;  // in use; null: none
  config::Config config_now() {
    const std::lock_guard lock(config_mutex);
    return loaded.config;
  }

  ServerOptions options;
  config::Loaded loaded;    // `config` is replaced by a reload, under config_mutex
  std::mutex config_mutex;  // held for a copy only, never while waiting for a thread
  std::mutex reload_mutex;  // one reload at a time
  runtime::SystemClock clock;
  SeededRandom random{entropy()};
  Threads threads;
  operations::Metrics metrics;
  intake::Statistics intake_statistics;
  std::unique_ptr<operations::EventLog> log;
  std::unique_ptr<spool::RocksSpool> spool;
  std::unique_ptr<spool::CommitQueue> commits;
  std::unique_ptr<runtime::UnboundResolver> resolver;
  ProviderCatalogue providers;
  std::unique_ptr<relay::Recorder> recorder;
  std::unique_ptr<sink::Sink> sink;
  std::unique_ptr<relay::Relay> relay;
  std::unique_ptr<intake::TlsIdentity> identity;
  std::unique_ptr<intake::MemoryBudget> memory;
  std::vector<std::unique_ptr<intake::SmtpListener>> doors;
  std::unique_ptr<Admin> admin;
  console::Router router;
  std::unique_ptr<console::HttpServer> http;
  Instant started = clock.now();
};

Result<void> Server::State::start_storage() {
  WEIR_CHECK(make_directory(config().data_dir));
  WEIR_CHECK(make_directory(std::filesystem::path(config().spool.path).parent_path().string()));
  WEIR_TRY(spool, spool::RocksSpool::open({.path = config().spool.path,
                                           .memory_budget = config().spool.memory,
                                           .min_free = config().spool.free_min}));
  for (const std::string& warning : spool->warnings())
    fmt::print(stderr, "mailweir: {}\n", warning);
  WEIR_TRY(log, operations::EventLog::open({.directory = config().events.path,
                                            .file_size_max = config().events.file_size_max,
                                            .total_size_max = config().events.total_size_max}));
  spool::CommitQueueOptions queue;
  queue.on_commit = [this](std::size_t requests, Duration busy) {
    metrics.commit_size.only().observe(requests);
    metrics.commit_time.only().observe(busy);
  };
  commits = std::make_unique<spool::CommitQueue>(
      *spool, std::move(queue), [](const Error& error) { end_after_io_error(error); });
  recorder = std::make_unique<relay::Recorder>(*log, metrics, clock);
  return {};
}

Result<void> Server::State::start_relay() {
  runtime::UnboundOptions dns;
  for (const Endpoint& server : config().dns.servers) dns.servers.push_back(to_string(server));
  dns.trust_anchor_file = config().dns.trust_anchor;
  dns.query_time_max = std::chrono::duration_cast<std::chrono::milliseconds>(config().dns.timeout);
  WEIR_TRY(resolver, runtime::UnboundResolver::create(std::move(dns), *threads.io.front()));
  std::uint16_t sink_port = 0;
  if (config().mode == config::Mode::sandbox) {
    sink = std::make_unique<sink::Sink>(
        sink::SinkOptions{.endpoint = {IpAddress::from_ipv4(0x7F000001), 0}}, threads.io_threads(),
        clock);
    WEIR_CHECK(sink->start());
    sink_port = sink->port();
  }
  WEIR_TRY(relay::RelayOptions relay_settings, relay_options(config(), sink_port));
  WEIR_TRY(providers, load_providers(config().providers.folder));
  suppression = relay_settings.policy.suppression;
  relay = std::make_unique<relay::Relay>(
      std::move(relay_settings), relay::RelayPorts{.clock = clock,
                                                   .random = random,
                                                   .resolver = *resolver,
                                                   .spool = *spool,
                                                   .commits = *commits,
                                                   .catalogue = providers.catalogue,
                                                   .recorder = *recorder,
                                                   .thread = threads.engine(),
                                                   .reader = threads.reader,
                                                   .io_threads = threads.delivery_threads()});
  return {};
}

Result<void> Server::State::start_intake() {
  const config::TlsSettings& tls = config().tls;
  if (tls.certificate.empty()) {
    WEIR_TRY(identity,
             intake::TlsIdentity::self_signed(
                 (std::filesystem::path(config().data_dir) / "tls").string(), config().hostname));
  } else {
    WEIR_TRY(identity, intake::TlsIdentity::load({tls.certificate, tls.key}));
  }
  memory = std::make_unique<intake::MemoryBudget>(config().smtp.memory_max.value);
  for (const Endpoint& endpoint : config().smtp.listen) {
    doors.push_back(std::make_unique<intake::SmtpListener>(
        listener_options(config(), endpoint), threads.intake_threads(),
        intake::SmtpDoor{.clock = clock,
                         .acceptor = *relay,
                         .memory = *memory,
                         .statistics = intake_statistics,
                         .tls = identity.get()}));
    if (auto bound = doors.back()->start(); !bound) {
      doors.pop_back();
      return bound;
    }
  }
  return {};
}

Result<void> Server::State::start_console() {
  AdminFacts facts;
  facts.version = version;
  facts.node = config().hostname;
  facts.mode = config().mode == config::Mode::live ? console::Mode::live : console::Mode::sandbox;
  facts.data_dir = config().data_dir;
  facts.config_file = options.config_file;
  facts.started = clock.wall_now();
  facts.free_min = config().spool.free_min.value;
  for (std::size_t i = 0; i < doors.size(); ++i) {
    Endpoint endpoint = config().smtp.listen[i];
    endpoint.port = doors[i]->port();
    facts.listeners.push_back("smtp " + to_string(endpoint));
  }
  facts.config_text = [this](bool non_default) {
    const std::lock_guard lock(config_mutex);
    return config::show_config(
        config(), non_default ? config::Extent::non_default : config::Extent::everything,
        config::system_hostname());
  };
  facts.reload = [this](const std::string& actor) { return reload(actor); };
  admin = std::make_unique<Admin>(
      std::move(facts), AdminPorts{*relay, *recorder, *spool, *log, metrics, clock, threads.desk,
                                   providers.catalogue});
  console::add_admin_routes(router, *admin);
  http = std::make_unique<console::HttpServer>(
      console::HttpServerOptions{.listen = config().http.listen,
                                 .socket = config().admin.socket,
                                 .host_names = {config().hostname}},
      threads.admin, router);
  if (auto listening = http->start(); !listening) {
    http.reset();
    return listening;
  }
  for (const Endpoint& endpoint : http->endpoints())
    admin->add_listener("http " + to_string(endpoint));
  admin->add_listener("admin " + config().admin.socket);
  return {};
}

void Server::State::observe_metrics() {
  metrics.build_info.with({version}).set(1);
  metrics.start_time.only().set(
      std::chrono::duration<double>(clock.wall_now().time_since_epoch()).count());
  metrics.uptime.observe_value(
      [this] { return std::chrono::duration<double>(clock.now() - started).count(); });
  metrics.memory.observe([this] {
    return std::vector<operations::Observed::Sample>{
        {{"resident"}, resident_bytes()}, {{"intake"}, static_cast<double>(memory->used())}};
  });
  metrics.spool_bytes.observe_value(
      [this] { return static_cast<double>(spool->usage().bytes_on_disk); });
  metrics.spool_free.observe_value(
      [this] { return static_cast<double>(spool->usage().bytes_free); });
  metrics.events.observe_value([this] { return static_cast<double>(log->statistics().events); });
  metrics.events_dropped.observe_value(
      [this] { return static_cast<double>(log->statistics().dropped); });
  metrics.event_log_bytes.observe_value(
      [this] { return static_cast<double>(log->statistics().bytes); });
  metrics.event_log_errors.observe_value(
      [this] { return static_cast<double>(log->statistics().write_errors); });
}

void Server::State::restore_queue() {
  admin->set_ready(true, "accepting mail; the queue of the last run is being restored");
  relay->restore([this](std::uint64_t messages, std::uint64_t corrupt) {
    admin->set_ready(
        true,
        corrupt == 0
            ? "accepting mail"
            : fmt::format("accepting mail; {} stored messages cannot be read, see the event log",
                          corrupt));
    const config::Config now = config_now();
    log->record(clock.wall_now(), operations::ServerStarted{
                                      .version = version,
                                      .mode = now.mode == config::Mode::live ? "live" : "sandbox",
                                      .hostname = now.hostname,
                                      .data_dir = now.data_dir,
                                      .messages_recovered = messages,
                                      .start_time = clock.now() - started});
  });
}

Result<void> Server::State::start() {
  WEIR_CHECK(start_storage());
  WEIR_CHECK(start_relay());
  WEIR_CHECK(start_intake());
  WEIR_CHECK(start_console());
  observe_metrics();
  restore_queue();
  return {};
}

std::unexpected<Error> Server::State::reject(const std::vector<std::string>& problems) {
  log->record(clock.wall_now(), operations::ConfigChanged{.step = operations::ConfigStep::rejected,
                                                          .problems = problems});
  return fail(Errc::invalid_argument, fmt::format("{}\nThe running configuration stays as it is.",
                                                  fmt::join(problems, "\n")));
}

// The list's file may change without its name; empty: the addresses are the same.
std::string Server::State::suppression_change(const relay::RelayOptions& next) {
  static const relay::SuppressionList none;
  const auto before = std::exchange(suppression, next.policy.suppression);
  const auto& old_list = before ? *before : none;
  const auto& new_list = suppression ? *suppression : none;
  if (old_list == new_list) return {};
  return fmt::format("suppression list: {} → {} entries", old_list.size(), new_list.size());
}

Result<console::ReloadResult> Server::State::reload(const std::string& actor) {
  const std::lock_guard lock(reload_mutex);
  auto next = options.config_file.empty() ? config::load_default_config()
                                          : config::load_config(options.config_file);
  if (!next) {
    std::vector<std::string> problems;
    for (const config::Problem& problem : next.error())
      problems.push_back(config::to_string(problem));
    return reject(problems);
  }
  const std::uint16_t sink_port = sink ? sink->port() : std::uint16_t{0};
  const config::Config merged = config::apply_reload(loaded.config, next->config);
  auto relay_settings = relay_options(merged, sink_port);
  if (!relay_settings) return reject({relay_settings.error().context});
  const auto changes = config::diff_config(loaded.config, next->config);
  std::vector<std::string> effects = config::describe(changes);
  bool is_in_force = std::ranges::any_of(changes, [](const config::Change& change) {
    return change.effect == config::Effect::on_reload;
  });
  if (const std::string suppressed = suppression_change(*relay_settings); !suppressed.empty()) {
    effects.push_back(suppressed);
    is_in_force = true;
  }
  if (const std::string waits = provider_files_change(providers, merged); !waits.empty())
    effects.push_back(waits);
  {
    const std::lock_guard config_lock(config_mutex);
    loaded.config = merged;
  }
  relay->reconfigure(std::move(*relay_settings));
  memory->set_max(merged.smtp.memory_max.value);
  for (std::size_t i = 0; i < doors.size(); ++i)
    doors[i]->reconfigure(listener_options(merged, merged.smtp.listen[i]));
  if (const auto renewed = identity->reload(); !renewed) {
    fmt::print(stderr, "mailweir: {}; the old certificate stays in use\n", renewed.error().context);
  }
  log->record(clock.wall_now(), operations::ConfigChanged{.step = operations::ConfigStep::reloaded,
                                                          .files = next->files,
                                                          .changes = effects});
  fmt::print(stderr, "mailweir: configuration reloaded by {}: {} change(s)\n", actor,
             effects.size());
  if (!effects.empty()) {
    for (const config::Problem& warning : next->warnings)
      effects.push_back(
          fmt::format("warning: {}:{}: {}", warning.file, warning.line, warning.message));
  }
  return console::ReloadResult{is_in_force, std::move(effects)};
}

// Also after a start that failed half-way: each part is stopped if it is there.
void Server::State::stop(const std::string& reason) {
  if (admin) {
    admin->set_ready(false, "stopping");
    admin->stop_actions();
  }
  // One grace for all of them together: a service manager does not wait longer.
  const Instant end = clock.now() + stop_grace;
  const auto grace = [this, end] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(end - clock.now(), Duration::zero()));
  };
  for (auto& door : doors) door->stop(grace());
  if (relay) relay->stop(grace());
  if (http) http->stop();
  if (sink) sink->stop(grace());
  if (resolver) resolver->stop();
  if (commits) commits->stop();
  // What the last commits completed, and questions under way, may still have posted to these.
  threads.engine().run([] {});
  threads.reader.run([] {});
  threads.desk.run([] {});
  threads.engine().run([] {});
  if (log) {
    log->record(clock.wall_now(),
                operations::ServerStopped{.reason = reason, .uptime = clock.now() - started});
    static_cast<void>(log->flush());
  }
}

// --- the public face

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, config::Loaded loaded) {
  auto state = std::make_unique<State>(std::move(options), std::move(loaded));
  if (auto started = state->start(); !started) {
    state->stop("start failed");
    return std::unexpected(std::move(started).error());
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::string Server::banner() const {
  const config::Config config = state_->config_now();
  const std::string smtp = state_->doors.empty() ? "" : [&] {
    Endpoint endpoint = config.smtp.listen.front();
    endpoint.port = state_->doors.front()->port();
    return to_string(endpoint);
  }();
  std::error_code ignored;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  const std::string socket =
      std::filesystem::absolute(config.admin.socket).lexically_normal().string();
  std::string text = fmt::format("Mailweir {} on {}\n", version, config.hostname);
  text += config.mode == config::Mode::sandbox
              ? "  mode      sandbox: everything is delivered into the built-in sink, nothing "
                "leaves this machine\n"
                "            (set mode = \"live\" in a configuration to deliver to the world)\n"
              : "  mode      live: mail is delivered to the world\n";
  text += fmt::format("  config    {}\n", state_->options.config_file.empty()
                                              ? "embedded defaults"
                                              : state_->options.config_file);
  for (const std::string& listener : state_->admin->listeners())
    text += fmt::format("  listening {}\n", listener);
  text += fmt::format("  data      {}\n",
                      std::filesystem::absolute(config.data_dir).lexically_normal().string());
  text += fmt::format("  events    {}\n",
                      std::filesystem::absolute(config.events.path).lexically_normal().string());
  text += fmt::format(
      "\nTry:\n  swaks --server {0} --to someone@example.com\n  {1} status --socket {2}\n"
      "  {1} trace ID --socket {2}     (the id that the 250 named)\n\nStop with Ctrl-C.\n",
      smtp, program, socket);
  return text;
}

Result<std::vector<std::string>> Server::reload(const std::string& actor) {
  WEIR_TRY(console::ReloadResult result, state_->reload(actor));
  return std::move(result.effects);
}

void Server::stop(const std::string& reason) {
  state_->stop(reason);
}

}  // namespace mailweir::server
