// Admin answers the console's and the commands' questions from the running parts: relay, spool,
// event log, configuration.
//
// Any thread; nothing blocks: questions to the engine go to the relay's thread, reads of the spool
// and the log to the reader's.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "console/admin_port.h"
#include "operations/event_log.h"
#include "operations/metric_set.h"
#include "relay/recorder.h"
#include "relay/relay.h"
#include "runtime/clock.h"
#include "runtime/io_thread.h"
#include "spool/spool.h"

namespace mailweir::server {

// What does not change while the server runs, and the doors to what the server itself does.
struct AdminFacts {
  std::string version;
  std::string node;
  console::Mode mode = console::Mode::sandbox;
  std::string data_dir;
  std::string config_file;
  UnixTime started{};
  std::vector<std::string> listeners;
  std::uint64_t free_min = 0;
  std::function<std::string(bool non_default)> config_text;
  std::function<Result<console::ReloadResult>(const std::string& actor)>
      reload;  // runs on the reader's thread
};

struct AdminPorts {
  relay::Relay& relay;
  relay::Recorder& recorder;
  spool::Spool& spool;
  operations::EventLog& log;
  operations::Metrics& metrics;
  const runtime::Clock& clock;
  runtime::IoThread& reader;
  const provider::Catalogue& catalogue;
};

class Admin final : public console::AdminPort {
 public:
  Admin(AdminFacts facts, AdminPorts ports) : facts_(std::move(facts)), ports_(ports) {}

  void status(console::Done<console::ServerStatus> done) override;
  void queue(engine::QueueKey key, console::Done<console::QueueSummary> done) override;
  void list(engine::ListFilter filter, MessageId after, std::size_t count,
            console::Done<console::RecipientPage> done) override;
  void message(MessageId id, console::Done<console::MessageDetail> done) override;
  void content(MessageId id, console::Done<std::shared_ptr<const std::string>> done) override;
  void trace(MessageId id, console::Done<std::vector<std::string>> done) override;
  void act(console::ActionRequest request, console::Done<console::ActionResult> done) override;
  void config_show(bool non_default, console::Done<console::ConfigText> done) override;
  void reload(std::string actor, console::Done<console::ReloadResult> done) override;
  void submit(console::Submission submission, console::Done<console::SubmitResult> done) override;
  void metrics(console::Done<std::string> done) override;
  // Paths (admin_paths.cc).
  void paths(console::PathQuery query, console::Done<console::PathList> done) override;
  void explain_path(std::string source, std::string provider,
                    console::Done<console::PathList> done) override;
  void explain_recipient(std::string target,
                         console::Done<console::RecipientExplanation> done) override;
  void hands(console::Done<console::HandList> done) override;
  void set_hand(console::HandOrder order, console::Done<console::HandList> done) override;
  void resume(console::PathOrder order, console::Done<console::HandList> done) override;
  void undo(std::uint64_t hand, console::PathOrder order,
            console::Done<console::HandList> done) override;
  void forget(console::PathOrder order, console::Done<console::ForgottenPaths> done) override;
  void unknown_refusals(console::Done<console::UnknownRefusalList> done) override;
  console::Health health() const override;

  // Bulk actions under way end with the page they are at. To be called before the relay is stopped.
  void stop_actions() { is_stopping_ = true; }
  void set_ready(bool ready, std::string detail);
  // Before the first question only.
  void add_listener(std::string listener) { facts_.listeners.push_back(std::move(listener)); }
  const std::vector<std::string>& listeners() const { return facts_.listeners; }

 private:
  struct BulkAction;
  console::Moment moment(Instant now) const { return {now, ports_.clock.wall_now()}; }
  std::vector<std::string> troubles(const spool::Usage& usage) const;
  console::ListedRecipient listed(engine::RecipientView view) const;  // reads the spool
  void act_on_page(std::shared_ptr<BulkAction> bulk);
  void add_stopped_paths(console::ServerStatus& status, const engine::Engine& engine,
                         Instant now) const;
  struct Target;
  using SameMailbox = std::function<bool(std::string_view, std::string_view)>;
  // Reads the spool.
  console::RecipientExplanation collect_waiting(const Target& target,
                                                const std::vector<engine::RecipientView>& views,
                                                const SameMailbox& is_same) const;
  void read_waiting(const Target& target, const std::vector<engine::RecipientView>& views,
                    const console::Done<console::RecipientExplanation>& done);

  std::atomic<bool> is_stopping_ = false;
  AdminFacts facts_;
  AdminPorts ports_;
  mutable std::mutex health_mutex_;
  console::Health health_{false, "starting"};
};

}  // namespace mailweir::server
