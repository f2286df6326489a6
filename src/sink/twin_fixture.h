// A Twin on loopback whose clock stands still but for the delays its sessions ask for. For tests.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "intake/tls_identity.h"
#include "runtime/clock.h"
#include "runtime/io_thread.h"
#include "sink/session_time.h"
#include "sink/twin.h"

namespace mailweir::sink {

class PausedClock final : public runtime::Clock {
 public:
  Instant now() const override { return Instant(Duration(micros_.load())); }
  UnixTime wall_now() const override { return UnixTime(Duration(micros_.load())); }
  void advance(Duration time) { micros_.fetch_add(time.count()); }

 private:
  std::atomic<std::int64_t> micros_{0};
};

// A wait moves the clock to its end.
class JumpingTime final : public SessionTime {
 public:
  explicit JumpingTime(PausedClock& clock) : clock_(clock) {}
  ~JumpingTime() override { ::close(silence_); }

  runtime::Task<void> wait(runtime::Executor, Duration delay) override {
    clock_.advance(delay);
    co_return;
  }
  void fell_silent() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(silence_, &one, sizeof one);
  }
  int silence() const { return silence_; }

 private:
  PausedClock& clock_;
  const int silence_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

// Counts who has left, which a client cannot see.
class Doorkeeper {
 public:
  void one_left() {
    const std::lock_guard lock(mutex_);
    ++left_;
    changed_.notify_all();
  }
  bool wait_for(std::uint64_t left) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return left_ >= left; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t left_ = 0;
};

class WatchedReceiver final : public world::Receiver {
 public:
  WatchedReceiver(std::unique_ptr<world::Receiver> receiver, Doorkeeper& doorkeeper)
      : receiver_(std::move(receiver)), doorkeeper_(doorkeeper) {}

  world::Answer connect(world::Visit& visit, Instant now) override {
    return receiver_->connect(visit, now);
  }
  world::Answer ehlo(world::Visit& visit, Instant now) override {
    return receiver_->ehlo(visit, now);
  }
  world::Answer tls(world::Visit& visit, Instant now) override {
    return receiver_->tls(visit, now);
  }
  world::Answer mail(world::Visit& visit, std::string_view domain, Instant now) override {
    return receiver_->mail(visit, domain, now);
  }
  world::Answer rcpt(world::Visit& visit, std::string_view mailbox, Instant now) override {
    return receiver_->rcpt(visit, mailbox, now);
  }
  world::Answer data(world::Visit& visit, Instant now) override {
    return receiver_->data(visit, now);
  }
  world::Answer end_of_data(world::Visit& visit, const world::ContentFacts& content,
                            Instant now) override {
    return receiver_->end_of_data(visit, content, now);
  }
  void leave(world::Visit& visit, Instant now) override {
    receiver_->leave(visit, now);
    doorkeeper_.one_left();
  }
  double limit(const IpAddress& source, Instant now) const override {
    return receiver_->limit(source, now);
  }
  bool is_penalized(const IpAddress& source, Instant now) const override {
    return receiver_->is_penalized(source, now);
  }
  std::uint64_t trips(const IpAddress& source) const override { return receiver_->trips(source); }
  bool control(Control what, const IpAddress& source, Instant now) override {
    return receiver_->control(what, source, now);
  }

 private:
  std::unique_ptr<world::Receiver> receiver_;
  Doorkeeper& doorkeeper_;
};

class TwinOnLoopback {
 public:
  explicit TwinOnLoopback(std::unique_ptr<world::Receiver> model,
                          const intake::TlsIdentity* tls = nullptr, TwinOptions options = {})
      : receiver(std::make_unique<WatchedReceiver>(std::move(model), doorkeeper), clock) {
    const auto endpoint = parse_endpoint("127.0.0.1:0").value();
    options.endpoints = {endpoint, endpoint};
    twin = std::make_unique<Twin>(std::move(options), std::vector{&first, &second}, clock, receiver,
                                  time, tls);
    error = twin->start();
  }
  ~TwinOnLoopback() {
    twin->stop();
    twin.reset();
    first.join();
    second.join();
  }
  TwinOnLoopback(const TwinOnLoopback&) = delete;
  TwinOnLoopback& operator=(const TwinOnLoopback&) = delete;

  PausedClock clock;
  JumpingTime time{clock};
  Doorkeeper doorkeeper;
  SharedReceiver receiver;
  runtime::IoThread first{"twin-1"};
  runtime::IoThread second{"twin-2"};
  std::unique_ptr<Twin> twin;
  Result<void> error;
};

}  // namespace mailweir::sink
