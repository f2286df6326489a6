#include "relay/relay_fixture.h"

#include <algorithm>
#include <utility>

#include "provider/catalogue.h"

namespace mailweir::relay::testing {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<operations::EventLog> open_log(const std::filesystem::path& directory) {
  auto log = operations::EventLog::open({.directory = directory});
  EXPECT_TRUE(log) << log.error().context;
  return std::move(*log);
}

}  // namespace

Process::Process(spool::Spool& spool, const std::filesystem::path& events)
    : log(open_log(events)),
      commits(spool, {}, [](const Error&) {}),
      recorder(*log, metrics, clock) {}

Process::~Process() {
  commits.stop();
  reader.run([] {});
  engine.run([] {});
  relay.reset();
  for (runtime::IoThread* thread : {&io, &reader, &engine}) thread->join();
}

RelayTest::RelayTest() {
  options.hostname = "out.test";
  options.postmaster = "postmaster@out.test";
  options.engine.sources = {{.name = "one", .ehlo_name = "out.test"}};
  options.engine.pools = {{.name = "main", .sources = {0}}};
  options.engine.classes = {{.name = "default"}, {.name = "code", .expiry = 10min}};
  options.engine.routes = {{.domain = "*.test", .hosts = {"127.0.0.1"}, .port = receiver.port()}};
  options.engine.retry = {.first = 50ms, .factor = 1.0, .longest = 50ms, .jitter = 0.0};
  options.delivery.sources = options.engine.sources;
  options.policy.classes = options.engine.classes;
  options.policy.pools = {"main"};
  options.free_min = ByteCount{1 << 20};
}

RelayTest::~RelayTest() {
  spool.open();
  receiver.release();
  if (process) stop();
}

void RelayTest::begin() {
  process = std::make_unique<Process>(spool, directory.path());
  process->resolver.add_mx("null.example", {{0, ""}});
  process->relay =
      std::make_unique<Relay>(options, RelayPorts{.clock = process->clock,
                                                  .random = process->random,
                                                  .resolver = process->resolver,
                                                  .spool = spool,
                                                  .commits = process->commits,
                                                  .catalogue = provider::Catalogue::embedded(),
                                                  .recorder = process->recorder,
                                                  .thread = process->engine,
                                                  .reader = process->reader,
                                                  .io_threads = {&process->io}});
}

void RelayTest::restore() {
  std::promise<void> done;
  process->relay->restore([&](std::uint64_t messages, std::uint64_t unreadable) {
    restored = messages;
    corrupt = unreadable;
    done.set_value();
  });
  done.get_future().wait();
}

void RelayTest::stop(std::chrono::milliseconds grace) {
  process->relay->stop(grace);
  process.reset();
}

void RelayTest::crash() {
  spool.cut_after(0);
  stop(0ms);
  spool.revive();
}

intake::ReceivedMessage RelayTest::make_message(const std::string& sender,
                                                const std::vector<std::string>& recipients,
                                                std::string content) {
  intake::ReceivedMessage message;
  if (!sender.empty()) message.envelope.reverse_path.mailbox = Mailbox::parse(sender).value();
  for (const std::string& recipient : recipients)
    message.envelope.recipients.push_back({.mailbox = Mailbox::parse(recipient).value()});
  message.content = std::move(content);
  message.client_address = "192.0.2.7";
  message.client_helo = "client.test";
  message.listener = "127.0.0.1:2525";
  return message;
}

std::future<intake::AcceptResult> RelayTest::submit(intake::ReceivedMessage message) {
  auto answer = std::make_shared<std::promise<intake::AcceptResult>>();
  process->relay->accept(std::move(message), [answer](intake::AcceptResult result) {
    answer->set_value(std::move(result));
  });
  return answer->get_future();
}

MessageId RelayTest::accept(intake::ReceivedMessage message) {
  const auto result = submit(std::move(message)).get();
  const auto* id = std::get_if<MessageId>(&result);
  if (id == nullptr) ADD_FAILURE() << to_display(std::get<Reply>(result));
  return id == nullptr ? MessageId{} : *id;
}

Reply RelayTest::refusal(intake::ReceivedMessage message) {
  const auto result = submit(std::move(message)).get();
  const auto* reply = std::get_if<Reply>(&result);
  EXPECT_NE(reply, nullptr) << "the message was accepted";
  return reply == nullptr ? Reply{} : *reply;
}

// Twice, because what one thread finishes may give work to the other.
void RelayTest::settle() {
  for (int i = 0; i < 2; ++i) {
    process->engine.run([] {});
    process->reader.run([] {});
  }
  process->engine.run([] {});
}

std::vector<nlohmann::json> RelayTest::events(MessageId id) {
  auto log = process ? nullptr : open_log(directory.path());
  const auto lines = (process ? *process->log : *log).trace(id);
  std::vector<nlohmann::json> found;
  if (lines) {
    for (const std::string& line : *lines) found.push_back(nlohmann::json::parse(line));
  }
  return found;
}

std::vector<nlohmann::json> RelayTest::events(MessageId id, const std::string& type) {
  auto found = events(id);
  std::erase_if(found, [&](const nlohmann::json& event) { return event["type"] != type; });
  return found;
}

std::vector<StoredMessage> RelayTest::accepted_with_removal_of(MessageId id) const {
  std::vector<StoredMessage> accepted;
  for (const spool::CommitBatch& batch : spool.commits()) {
    if (std::ranges::find(batch.removals, id, &spool::Removal::id) == batch.removals.end())
      continue;
    for (const spool::Acceptance& acceptance : batch.accepted)
      accepted.push_back(acceptance.message);
  }
  return accepted;
}

std::vector<RecipientState> RelayTest::states_recorded(MessageId id,
                                                       std::uint16_t recipient) const {
  std::vector<RecipientState> states;
  for (const spool::CommitBatch& batch : spool.commits()) {
    for (const spool::RecipientUpdate& update : batch.updates) {
      if (update.id == id && update.recipient == recipient) states.push_back(update.state);
    }
  }
  return states;
}

}  // namespace mailweir::relay::testing
