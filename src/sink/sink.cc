#include "sink/sink.h"

#include <atomic>
#include <utility>

#include "base/assert.h"
#include "intake/smtp_listener.h"
#include "sink/ledger.h"
#include "smtp/command.h"

namespace mailweir::sink {
namespace {

constexpr std::uint64_t memory_max = std::uint64_t{256} << 20;

Networks loopback() {
  std::vector<Network> networks;
  for (const auto* text : {"127.0.0.0/8", "::1"}) networks.push_back(Network::parse(text).value());
  return Networks(std::move(networks));
}

intake::ListenerOptions listener_options(const SinkOptions& options) {
  intake::ListenerOptions listener;
  listener.name = "sink";
  listener.endpoint = options.endpoint;
  listener.server.host_name = options.host_name;
  listener.server.message_size_max = options.message_size_max;
  listener.relay_networks = loopback();
  listener.caps = {};              // its one client is our own delivery, which has its caps
  listener.adds_received = false;  // what the ledger says is what was sent
  return listener;
}

// Counts and forgets. Answers from inside accept(): there is nothing to wait for.
class Discard final : public intake::MessageAcceptor {
 public:
  std::optional<Reply> admission(std::uint64_t) override { return std::nullopt; }

  void accept(intake::ReceivedMessage message,
              std::function<void(intake::AcceptResult)> done) override {
    const MessageId id{messages_.fetch_add(1, std::memory_order_relaxed) + 1};
    recipients_.fetch_add(message.envelope.recipients.size(), std::memory_order_relaxed);
    bytes_.fetch_add(message.content.size(), std::memory_order_relaxed);
    if (ledger_ && !ledger_->append(id, message.envelope, message.content)) {
      return done(smtp::reply_of("451 4.3.0 The ledger cannot be written"));
    }
    done(id);
  }

  void set_ledger(std::unique_ptr<Ledger> ledger) { ledger_ = std::move(ledger); }
  SinkCounts counts() const {
    SinkCounts counts;
    counts.messages = messages_.load(std::memory_order_relaxed);
    counts.recipients = recipients_.load(std::memory_order_relaxed);
    counts.content_bytes = bytes_.load(std::memory_order_relaxed);
    return counts;
  }

 private:
  std::unique_ptr<Ledger> ledger_;  // set before the first message
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::uint64_t> recipients_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace

struct Sink::State {
  State(const SinkOptions& sink_options, const std::vector<runtime::IoThread*>& threads,
        const runtime::Clock& clock, const intake::TlsIdentity* tls,
        smtp::ServerPolicy* personality)
      : ledger_file(sink_options.ledger_file),
        listener(listener_options(sink_options), threads,
                 intake::SmtpDoor{clock, discard, memory, statistics, tls, personality}) {}

  std::string ledger_file;
  Discard discard;
  intake::MemoryBudget memory{memory_max};
  intake::Statistics statistics;
  intake::SmtpListener listener;
};

Sink::Sink(const SinkOptions& options, const std::vector<runtime::IoThread*>& threads,
           const runtime::Clock& clock, const intake::TlsIdentity* tls,
           smtp::ServerPolicy* personality)
    : state_(std::make_unique<State>(options, threads, clock, tls, personality)) {}

Sink::~Sink() = default;

Result<void> Sink::start() {
  if (!state_->ledger_file.empty()) {
    WEIR_TRY(auto ledger, Ledger::open(state_->ledger_file));
    state_->discard.set_ledger(std::move(ledger));
  }
  return state_->listener.start();
}

std::uint16_t Sink::port() const {
  return state_->listener.port();
}

SinkCounts Sink::counts() const {
  auto counts = state_->discard.counts();
  counts.sessions = state_->statistics.sessions_accepted.load(std::memory_order_relaxed);
  return counts;
}

void Sink::stop(std::chrono::milliseconds grace) {
  state_->listener.stop(grace);
}

}  // namespace mailweir::sink
