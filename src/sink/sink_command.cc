#include "sink/sink_command.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "console/http_server.h"
#include "intake/tls_identity.h"
#include "runtime/clock.h"
#include "runtime/io_thread.h"
#include "sink/shared_receiver.h"
#include "sink/sink_options.h"
#include "sink/sink_pages.h"
#include "sink/twin.h"
#include "world/personality.h"

namespace mailweir::sink {
namespace {

constexpr int exit_ok = 0;
constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

constexpr Bilingual running{"{0}: {1}\nTakes mail on {2}.\n", "{0}: {1}\n受け付け: {2}\n"};
constexpr Bilingual page_at{"Watch it: http://{0}/   JSON: http://{0}/api/v1/sink\n",
                            "画面: http://{0}/   JSON: http://{0}/api/v1/sink\n"};
constexpr Bilingual stop_with{"Ctrl-C ends it.\n", "Ctrl-C で終了します。\n"};
constexpr Bilingual ended{"Messages taken: {0}; sources: {1}; refusals: {2}.\n",
                          "受け取り {0} 通、送信元 {1} 件、拒否 {2} 回。\n"};
constexpr Bilingual no_folder{"cannot make a folder for the certificate",
                              "証明書用のフォルダーを作成できません"};

// sigwait() takes the signals on the main thread, so every thread must be born with them blocked.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// A session is a descriptor, and the usual soft limit of 1024 is for programs that use select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int complain(int code, const std::string& text) {
  fmt::print(stderr, "mailweir: sink: {}\n", text);
  return code;
}

int list_personalities() {
  for (const auto& spec : world::all_personalities())
    fmt::print("{:<18} {}\n", spec.name, spec.summary);
  return exit_ok;
}

int show_parameters(const world::ReceiverSpec& spec) {
  for (const auto& parameter : world::list_parameters(spec))
    fmt::print("{}={}\n    {}\n", parameter.name, parameter.value, parameter.meaning);
  return exit_ok;
}

// A folder that goes with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "mailweir-sink-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }  // empty: it could not be made

 private:
  std::string path_;
};

Result<std::unique_ptr<intake::TlsIdentity>> make_identity(const CommandOptions& options) {
  if (!options.offers_tls) return nullptr;
  if (!options.tls_folder.empty())
    return intake::TlsIdentity::self_signed(options.tls_folder, options.host_name);
  const TemporaryFolder folder;  // the identity is in memory once it is loaded
  if (folder.path().empty()) return fail(Errc::io, say(options.language, no_folder));
  return intake::TlsIdentity::self_signed(folder.path(), options.host_name);
}

TwinOptions twin_options(const CommandOptions& options) {
  TwinOptions twin;
  twin.endpoints = options.listen;
  twin.host_name = options.host_name;
  twin.ledger_file = options.ledger_file;
  twin.log_file = options.log_file;
  return twin;
}

class Threads {
 public:
  explicit Threads(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      threads_.push_back(std::make_unique<runtime::IoThread>(fmt::format("sink-{}", i + 1)));
  }
  ~Threads() {
    for (auto& thread : threads_) thread->join();
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  std::vector<runtime::IoThread*> all() const {
    std::vector<runtime::IoThread*> borrowed;
    for (const auto& thread : threads_) borrowed.push_back(thread.get());
    return borrowed;
  }

 private:
  std::vector<std::unique_ptr<runtime::IoThread>> threads_;
};

void announce(const CommandOptions& options, const world::ReceiverSpec& spec, const Twin& twin,
              const console::HttpServer* http) {
  std::string places;
  for (const auto& endpoint : twin.endpoints())
    places += (places.empty() ? "" : ", ") + to_string(endpoint);
  fmt::print("{}", say(options.language, running, spec.name, spec.summary, places));
  if (http != nullptr)
    fmt::print("{}", say(options.language, page_at, to_string(http->endpoints().front())));
  fmt::print("{}", stop_with.in(options.language));
  std::fflush(stdout);
}

void wait_for(const sigset_t& signals) {
  int signal = 0;
  while (::sigwait(&signals, &signal) != 0) continue;
}

void sum_up(const CommandOptions& options, const SharedReceiver& receiver) {
  std::uint64_t messages = 0;
  std::uint64_t refusals = 0;
  const auto views = receiver.sources();
  for (const auto& view : views) {
    messages += view.tally.messages;
    refusals += view.tally.refusals();
  }
  fmt::print("{}", say(options.language, ended, messages, views.size(), refusals));
}

int serve(const CommandOptions& options, const world::ReceiverSpec& spec) {
  const sigset_t signals = block_signals();
  raise_descriptor_limit();
  const auto identity = make_identity(options);
  if (!identity) return complain(exit_failure, identity.error().context);
  const runtime::SystemClock clock;
  SharedReceiver receiver(world::make_receiver(spec, options.seed, clock.now()), clock);
  RealSessionTime time;
  const Threads threads(options.threads);
  Twin twin(twin_options(options), threads.all(), clock, receiver, time, identity->get());
  if (const auto started = twin.start(); !started)
    return complain(exit_failure, started.error().context);

  console::Router router;
  add_pages(router, {.spec = spec,
                     .seed = options.seed,
                     .receiver = receiver,
                     .twin = twin,
                     .clock = clock,
                     .started = clock.now(),
                     .language = options.language});
  const Threads pages(1);
  std::optional<console::HttpServer> http;
  if (options.http) {
    http.emplace(console::HttpServerOptions{.listen = {*options.http}}, *pages.all().front(),
                 router);
    if (const auto started = http->start(); !started) {
      twin.stop();
      return complain(exit_failure, started.error().context);
    }
  }
  announce(options, spec, twin, http ? &*http : nullptr);
  wait_for(signals);
  if (http) http->stop();
  twin.stop();
  sum_up(options, receiver);
  return exit_ok;
}

}  // namespace

int run_command(const std::vector<std::string>& arguments, const std::string& language) {
  const auto options =
      read_options(arguments, language == "ja" ? Language::japanese : Language::english);
  if (!options) return complain(exit_usage, options.error().context);
  if (options->task == CommandOptions::Task::help) {
    fmt::print("{}", help(options->language));
    return exit_ok;
  }
  if (options->task == CommandOptions::Task::list) return list_personalities();
  const auto spec = make_spec(*options);
  if (!spec) return complain(exit_usage, spec.error().context);
  if (options->task == CommandOptions::Task::parameters) return show_parameters(*spec);
  return serve(*options, *spec);
}

}  // namespace mailweir::sink
