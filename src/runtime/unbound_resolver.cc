#include "runtime/unbound_resolver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unbound.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "runtime/dns_answer.h"

namespace mailweir::runtime {
namespace {

enum class RecordType : int { a = 1, mx = 15, aaaa = 28 };
constexpr int class_in = 1;
constexpr int rcode_no_error = 0;
constexpr int rcode_server_failure = 2;

std::string_view name_of(RecordType type) {
  switch (type) {
    case RecordType::a:
      return "A";
    case RecordType::mx:
      return "MX";
    case RecordType::aaaa:
      return "AAAA";
  }
  return "?";
}

struct FreeResult {
  void operator()(ub_result* result) const { ::ub_resolve_free(result); }
};
using OwnedResult = std::unique_ptr<ub_result, FreeResult>;

struct DeleteContext {
  void operator()(ub_ctx* context) const { ::ub_ctx_delete(context); }
};
using OwnedContext = std::unique_ptr<ub_ctx, DeleteContext>;

// The records of one type, or why there are none.
using Answer = std::variant<OwnedResult, DnsError>;
using Completion = std::move_only_function<void(Answer)>;

bool is_address(const std::string& text) {
  in6_addr storage{};
  return ::inet_pton(AF_INET, text.c_str(), &storage) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &storage) == 1;
}

// As libunbound writes it: "address" or "address@port"; empty when the text names no server.
std::string server_for_unbound(std::string_view text) {
  std::string_view address = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    address = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':' && port.front() != '@') return {};
  } else if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    address = text.substr(0, at);
    port = text.substr(at);
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && colon == text.rfind(':')) {
    address = text.substr(0, colon);
    port = text.substr(colon);
  }
  std::string server(address);
  if (!is_address(server)) return {};
  if (port.empty()) return server;
  port.remove_prefix(1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos ||
      std::stoul(std::string(port)) == 0 || std::stoul(std::string(port)) > 65535) {
    return {};
  }
  return server + '@' + std::string(port);
}

Result<OwnedContext> make_context(const UnboundOptions& options) {
  OwnedContext context(::ub_ctx_create());
  if (!context) return fail(Errc::overloaded, "libunbound could not be started");
  ::ub_ctx_debugout(context.get(), nullptr);
  // A thread of its own, not a forked process.
  ::ub_ctx_async(context.get(), 1);
  // A validating resolver on this machine is the recommended server; libunbound would refuse to ask
  // it.
  ::ub_ctx_set_option(context.get(), "do-not-query-localhost:", "no");

  for (const std::string& server : options.servers) {
    const std::string address = server_for_unbound(server);
    if (address.empty() || ::ub_ctx_set_fwd(context.get(), address.c_str()) != 0) {
      return fail(
          Errc::invalid_argument,
          fmt::format("\"{}\" is no DNS server: give an IP address, or address:port", server));
    }
  }
  if (options.servers.empty()) {
    if (const int error = ::ub_ctx_resolvconf(context.get(), nullptr); error != 0) {
      return fail(Errc::invalid_argument,
                  fmt::format("/etc/resolv.conf: {}", ::ub_strerror(error)));
    }
  }
  if (!options.trust_anchor_file.empty()) {
    const int error = ::ub_ctx_add_ta_file(context.get(), options.trust_anchor_file.c_str());
    if (error != 0 || ::access(options.trust_anchor_file.c_str(), R_OK) != 0) {
      return fail(Errc::invalid_argument,
                  fmt::format("{}: not a readable DNSSEC trust anchor", options.trust_anchor_file));
    }
  }
  // libunbound answers these by itself (RFC 6761, RFC 8375). Servers that an operator names may
  // well know them.
  if (!options.servers.empty()) {
    ::ub_ctx_zone_remove(context.get(), "test.");
    ::ub_ctx_zone_remove(context.get(), "home.arpa.");
  }
  return context;
}

// A positive answer, or the reason for none.
Answer judge(OwnedResult result, const std::string& name, RecordType type) {
  const auto because = [&](DnsFailure failure, std::string_view what) {
    return Answer(DnsError{failure, fmt::format("{} {}: {}", name, name_of(type), what)});
  };
  if (result->bogus != 0) {
    return because(DnsFailure::bogus, result->why_bogus != nullptr
                                          ? result->why_bogus
                                          : "the answer fails its DNSSEC check");
  }
  if (result->nxdomain != 0) return because(DnsFailure::no_such_domain, "no such domain");
  if (result->rcode == rcode_server_failure) {
    return because(DnsFailure::temporary, "the DNS server could not find the answer (SERVFAIL)");
  }
  if (result->rcode != rcode_no_error) {
    return because(DnsFailure::temporary,
                   fmt::format("the DNS server refused with code {}", result->rcode));
  }
  if (result->havedata == 0) return because(DnsFailure::no_data, "the name has no such record");
  return Answer(std::move(result));
}

Duration time_to_live(const ub_result& result) {
  return std::chrono::seconds(std::max(result.ttl, 0));
}

// Calls `visit` with the data of each record.
template <class Visit>
void for_each_record(const ub_result& result, Visit visit) {
  for (int i = 0; result.data[i] != nullptr; ++i) {
    visit(std::string_view(result.data[i], static_cast<std::size_t>(result.len[i])));
  }
}

std::variant<MxAnswer, DnsError> read_mx_answer(Answer answer, const std::string& domain) {
  if (auto* error = std::get_if<DnsError>(&answer)) return std::move(*error);
  const ub_result& result = *std::get<OwnedResult>(answer);
  MxAnswer mx{{}, time_to_live(result), result.secure != 0};
  for_each_record(result, [&](std::string_view data) {
    if (auto record = read_mx(data)) mx.records.push_back(std::move(*record));
  });
  normalize_mx(mx.records);
  if (mx.records.empty()) {
    // Its owner may mend it, so mail for it waits.
    return DnsError{DnsFailure::temporary,
                    domain + " MX: none of the records names a possible host"};
  }
  return mx;
}

// The two halves of an address query, and what they amount to.
struct AddressQuery {
  std::function<void(std::variant<AddressAnswer, DnsError>)> done;
  AddressAnswer answer;
  std::vector<DnsError> errors;
  int halves_due = 0;
  bool has_data = false;
};

int gravity(DnsFailure failure) {
  switch (failure) {
    case DnsFailure::no_data:
      return 0;
    case DnsFailure::no_such_domain:
      return 1;
    case DnsFailure::temporary:
      return 2;
    case DnsFailure::bogus:
      return 3;
    case DnsFailure::cancelled:
      return 4;
  }
  return 0;
}

void add_half(AddressQuery& query, RecordType type, Answer half) {
  if (auto* error = std::get_if<DnsError>(&half)) {
    query.errors.push_back(std::move(*error));
    return;
  }
  const ub_result& result = *std::get<OwnedResult>(half);
  auto& addresses = type == RecordType::a ? query.answer.ipv4 : query.answer.ipv6;
  for_each_record(result, [&](std::string_view data) {
    auto address = read_address(data);
    if (address && addresses.size() < dns_records_max) addresses.push_back(std::move(*address));
  });
  const Duration ttl = time_to_live(result);
  query.answer.time_to_live = query.has_data ? std::min(query.answer.time_to_live, ttl) : ttl;
  query.answer.is_secure = (!query.has_data || query.answer.is_secure) && result.secure != 0;
  query.has_data = true;
}

void finish(AddressQuery& query) {
  if (!query.answer.ipv4.empty() || !query.answer.ipv6.empty()) {
    query.done(std::move(query.answer));
    return;
  }
  DnsError worst{DnsFailure::temporary, "the answer holds no usable address"};
  if (!query.errors.empty()) {
    worst = *std::ranges::max_element(query.errors, {},
                                      [](const DnsError& e) { return gravity(e.failure); });
  }
  query.done(std::move(worst));
}

}  // namespace

// Everything below runs on the IoThread, but for the posting.
struct UnboundResolver::State : std::enable_shared_from_this<UnboundResolver::State> {
  struct Query {
    State* state;
    std::uint64_t number;
    int unbound_id;
    std::string name;
    RecordType type;
    Completion done;
  };
  struct Question {
    std::string name;
    RecordType type;
    Completion done;
  };
  struct Due {
    std::chrono::steady_clock::time_point at;
    std::uint64_t number;
  };

  State(UnboundOptions given, IoThread& io_thread, OwnedContext ub)
      : options(std::move(given)),
        thread(io_thread),
        context(std::move(ub)),
        descriptor(io_thread.executor()),
        timer(io_thread.executor()) {}

  void watch() {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& ec) {
                            if (ec || self->stopped) return;
                            ::ub_process(self->context.get());
                            if (!self->stopped) self->watch();
                          });
  }

  void ask(std::string name, RecordType type, Completion done) {
    if (stopped) {
      cancel(Question{std::move(name), type, std::move(done)});
    } else if (queries.size() >= options.queries_max || !waiting.empty()) {
      waiting.push_back({std::move(name), type, std::move(done)});
    } else {
      begin(std::move(name), type, std::move(done));
    }
  }

  static void cancel(Question question) {
    question.done(
        DnsError{DnsFailure::cancelled,
                 fmt::format("{} {}: we are stopping", question.name, name_of(question.type))});
  }

  // Not from inside a callback of libunbound.
  void begin_waiting() {
    is_begin_posted = false;
    while (!stopped && !waiting.empty() && queries.size() < options.queries_max) {
      Question next = std::move(waiting.front());
      waiting.pop_front();
      begin(std::move(next.name), next.type, std::move(next.done));
    }
  }

  void begin(std::string name, RecordType type, Completion done) {
    const std::uint64_t number = ++last_number;
    auto query =
        std::make_unique<Query>(Query{this, number, 0, std::move(name), type, std::move(done)});
    const int error =
        ::ub_resolve_async(context.get(), query->name.c_str(), static_cast<int>(type), class_in,
                           query.get(), &State::answered, &query->unbound_id);
    if (error != 0) {
      query->done(failed(*query, error));
      return;
    }
    queries.emplace(number, std::move(query));
    due.push_back({std::chrono::steady_clock::now() + options.query_time_max, number});
    if (due.size() == 1) arm();
  }

  // A name that DNS cannot even be asked for belongs to nobody.
  static DnsError failed(const Query& query, int error) {
    return {error == UB_SYNTAX ? DnsFailure::no_such_domain : DnsFailure::temporary,
            fmt::format("{} {}: {}", query.name, name_of(query.type), ::ub_strerror(error))};
  }

  static void answered(void* data, int error, ub_result* raw) {
    OwnedResult result(raw);
    const auto* query = static_cast<const Query*>(data);
    auto owned = query->state->take(query->number);
    if (!owned) return;
    if (error != 0 || !result) {
      owned->done(failed(*owned, error));
      return;
    }
    owned->done(judge(std::move(result), owned->name, owned->type));
  }

  std::unique_ptr<Query> take(std::uint64_t number) {
    const auto found = queries.find(number);
    if (found == queries.end()) return nullptr;
    auto query = std::move(found->second);
    queries.erase(found);
    if (!waiting.empty() && !std::exchange(is_begin_posted, true))
      thread.post([self = shared_from_this()] { self->begin_waiting(); });
    return query;
  }

  void give_up(std::uint64_t number, DnsFailure failure, std::string_view why) {
    const auto query = take(number);
    if (!query) return;
    ::ub_cancel(context.get(), query->unbound_id);
    query->done(
        DnsError{failure, fmt::format("{} {}: {}", query->name, name_of(query->type), why)});
  }

  // All queries have the same time, so the oldest is due first and one timer serves all.
  void arm() {
    timer.expires_at(due.front().at);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
      if (!ec && !self->stopped) self->expire();
    });
  }

  void expire() {
    const auto now = std::chrono::steady_clock::now();
    while (!due.empty() && (due.front().at <= now || !queries.contains(due.front().number))) {
      const std::uint64_t number = due.front().number;
      due.pop_front();
      give_up(number, DnsFailure::temporary, "no answer in time");
    }
    if (!due.empty()) arm();
  }

  void stop() {
    if (stopped) return;
    stopped = true;
    timer.cancel();
    descriptor.cancel();
    descriptor.release();  // libunbound closes it
    for (Question& question : std::exchange(waiting, {})) cancel(std::move(question));
    while (!queries.empty())
      give_up(queries.begin()->first, DnsFailure::cancelled, "we are stopping");
    context.reset();
  }

  const UnboundOptions options;
  IoThread& thread;
  OwnedContext context;
  asio::posix::basic_stream_descriptor<Executor> descriptor;
  Timer timer;
  std::unordered_map<std::uint64_t, std::unique_ptr<Query>> queries;
  std::deque<Due> due;
  std::deque<Question> waiting;  // beyond queries_max; their time has not begun
  bool is_begin_posted = false;
  std::uint64_t last_number = 0;
  bool stopped = false;
};

Result<std::unique_ptr<UnboundResolver>> UnboundResolver::create(UnboundOptions options,
                                                                 IoThread& thread) {
  WEIR_TRY(OwnedContext context, make_context(options));
  auto state = std::make_shared<State>(std::move(options), thread, std::move(context));
  thread.run([&state] {
    state->descriptor.assign(::ub_fd(state->context.get()));
    state->watch();
  });
  return std::unique_ptr<UnboundResolver>(new UnboundResolver(std::move(state)));
}

UnboundResolver::UnboundResolver(std::shared_ptr<State> state) : state_(std::move(state)) {}

UnboundResolver::~UnboundResolver() {
  WEIR_ASSERT(state_->stopped);
}

void UnboundResolver::find_mx(std::string domain,
                              std::function<void(std::variant<MxAnswer, DnsError>)> done) {
  state_->thread.post(
      [state = state_, domain = std::move(domain), done = std::move(done)]() mutable {
        std::string name = domain;
        state->ask(std::move(name), RecordType::mx,
                   [domain = std::move(domain), done = std::move(done)](Answer answer) {
                     done(read_mx_answer(std::move(answer), domain));
                   });
      });
}

void UnboundResolver::find_addresses(
    std::string host, bool want_ipv6,
    std::function<void(std::variant<AddressAnswer, DnsError>)> done) {
  state_->thread.post(
      [state = state_, host = std::move(host), want_ipv6, done = std::move(done)]() mutable {
        auto query = std::make_shared<AddressQuery>();
        query->done = std::move(done);
        query->halves_due = want_ipv6 ? 2 : 1;
        for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
          if (type == RecordType::aaaa && !want_ipv6) continue;
          state->ask(host, type, [query, type](Answer half) {
            add_half(*query, type, std::move(half));
            if (--query->halves_due == 0) finish(*query);
          });
        }
      });
}

void UnboundResolver::stop() {
  state_->thread.run([this] { state_->stop(); });
}

}  // namespace mailweir::runtime
