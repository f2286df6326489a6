#include "delivery/delivery.h"

#include <algorithm>
#include <latch>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "delivery/order_queue.h"
#include "delivery/session.h"
#include "delivery/session_ports.h"
#include "delivery/settings.h"
#include "runtime/task_group.h"

namespace mailweir::delivery {
namespace {

using SharedSettings = std::shared_ptr<const Settings>;

// The sessions of one IoThread; everything but the constructor runs there.
class Worker {
 public:
  Worker(runtime::IoThread& thread, runtime::Resolver& resolver, const runtime::Clock& clock,
         OutcomeReceiver& outcomes, std::function<SharedSettings()> settings)
      : thread_(thread),
        queue_(std::make_shared<OrderQueue>(thread, [this](auto& entries) { carry_out(entries); })),
        ports_{thread.executor(), resolver, clock, outcomes, tls_, queue_},
        settings_(std::move(settings)),
        group_(thread.executor()),
        grace_timer_(thread.executor()) {}

  // From any thread. False when the worker has stopped.
  bool push(OrderQueue::Entry&& entry) { return queue_->push(std::move(entry)); }

  // `then` is called on the thread once the last session has ended.
  void stop(std::chrono::milliseconds grace, std::function<void()> then) {
    is_stopping_ = true;
    for_each_session([](Session& session) { session.stop(); });
    grace_timer_.expires_after(grace);
    grace_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) for_each_session([](Session& session) { session.cut(); });
    });
    group_.when_empty([this, then = std::move(then)] {
      grace_timer_.cancel();
      // The last session may have ended inside one of our loops; whoever waits for `then` may
      // destroy us, so it comes once they have returned.
      thread_.post([this, then] {
        for (OrderQueue::Entry& entry : queue_->close()) refuse(ports_.outcomes, entry);
        then();
      });
    });
  }

  // Answers an order that nobody will carry out.
  static void refuse(OutcomeReceiver& outcomes, OrderQueue::Entry& entry) {
    if (const auto* open = std::get_if<engine::OpenSession>(&entry)) {
      outcomes.on_session_failed(cancelled(*open));
    } else if (const auto* start = std::get_if<StartOrder>(&entry)) {
      outcomes.on_transaction_done(cancelled(start->order));
    }
  }

  runtime::IoThread& thread() { return thread_; }

 private:
  void carry_out(std::vector<OrderQueue::Entry>& entries) {
    for (OrderQueue::Entry& entry : entries) {
      std::visit([this](auto& order) { carry_out_one(order); }, entry);
    }
    // Woken only now, so that a session sees all that was ordered and can send it together.
    for (const SessionId id : std::exchange(touched_, {})) {
      const auto found = sessions_.find(id);
      if (found == sessions_.end()) continue;
      found->second->is_touched = false;
      found->second->wake();
    }
  }

  void carry_out_one(engine::OpenSession& order) {
    if (is_stopping_) {
      ports_.outcomes.on_session_failed(cancelled(order));
      return;
    }
    auto session = std::make_unique<Session>(ports_, settings_(), std::move(order));
    const bool is_new = sessions_.emplace(session->id(), session.get()).second;
    WEIR_ASSERT(is_new);
    group_.spawn(run(this, std::move(session)));
  }

  void carry_out_one(StartOrder& start) {
    Session* const session = find_and_touch(start.order.session);
    // The session's end and this order have crossed.
    if (session == nullptr) {
      ports_.outcomes.on_transaction_done(cancelled(start.order));
    } else {
      session->start(std::move(start));
    }
  }

  void carry_out_one(engine::CloseSession& order) {
    if (Session* const session = find_and_touch(order.session)) session->close();
  }

  void carry_out_one(OrderQueue::Task& task) { task(); }

  Session* find_and_touch(SessionId id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return nullptr;
    if (!std::exchange(found->second->is_touched, true)) touched_.push_back(id);
    return found->second;
  }

  // Calls `act` for every session and wakes it; some may end by that.
  template <class Act>
  void for_each_session(Act act) {
    std::vector<SessionId> ids;
    for (const auto& [id, session] : sessions_) ids.push_back(id);
    for (const SessionId id : ids) {
      if (const auto found = sessions_.find(id); found != sessions_.end()) {
        act(*found->second);
        if (const auto still = sessions_.find(id); still != sessions_.end()) still->second->wake();
      }
    }
  }

  static runtime::Task<void> run(Worker* worker, std::unique_ptr<Session> session) {
    co_await session->run();
    worker->sessions_.erase(session->id());
  }

  runtime::IoThread& thread_;
  TlsClient tls_;
  std::shared_ptr<OrderQueue> queue_;
  SessionPorts ports_;
  std::function<SharedSettings()> settings_;
  runtime::TaskGroup group_;
  runtime::Timer grace_timer_;
  std::unordered_map<SessionId, Session*> sessions_;  // owned by their coroutines
  std::vector<SessionId> touched_;
  bool is_stopping_ = false;
};

}  // namespace

struct Delivery::State {
  State(DeliveryOptions options, OutcomeReceiver& receiver)
      : outcomes(receiver), settings(std::make_shared<const Settings>(std::move(options))) {}

  SharedSettings current() {
    const std::lock_guard lock(mutex);
    return settings;
  }

  void push(SessionId session, OrderQueue::Entry entry) {
    Worker& worker = *workers[session.value % workers.size()];
    if (!worker.push(std::move(entry))) Worker::refuse(outcomes, entry);
  }

  OutcomeReceiver& outcomes;
  std::mutex mutex;
  SharedSettings settings;
  std::vector<std::unique_ptr<Worker>> workers;
  bool is_stopped = false;
};

Delivery::Delivery(DeliveryOptions options, const std::vector<runtime::IoThread*>& threads,
                   runtime::Resolver& resolver, const runtime::Clock& clock,
                   OutcomeReceiver& outcomes)
    : state_(std::make_unique<State>(std::move(options), outcomes)) {
  WEIR_ASSERT(!threads.empty());
  for (runtime::IoThread* thread : threads) {
    state_->workers.push_back(std::make_unique<Worker>(
        *thread, resolver, clock, outcomes, [state = state_.get()] { return state->current(); }));
  }
}

Delivery::~Delivery() {
  WEIR_ASSERT(state_->is_stopped);
}

void Delivery::open(engine::OpenSession order) {
  const SessionId session = order.session;
  state_->push(session, std::move(order));
}

void Delivery::start(engine::StartTransaction order, std::shared_ptr<const QueuedMessage> message) {
  const SessionId session = order.session;
  state_->push(session, StartOrder{std::move(order), std::move(message)});
}

void Delivery::close(engine::CloseSession order) {
  state_->push(order.session, order);
}

void Delivery::reconfigure(DeliveryOptions options) {
  auto settings = std::make_shared<const Settings>(std::move(options));
  const std::lock_guard lock(state_->mutex);
  state_->settings = std::move(settings);
}

void Delivery::stop(std::chrono::milliseconds grace) {
  if (std::exchange(state_->is_stopped, true)) return;
  std::latch ended(static_cast<std::ptrdiff_t>(state_->workers.size()));
  for (const auto& worker : state_->workers) {
    worker->thread().post(
        [&worker, &ended, grace] { worker->stop(grace, [&ended] { ended.count_down(); }); });
  }
  ended.wait();
}

}  // namespace mailweir::delivery
