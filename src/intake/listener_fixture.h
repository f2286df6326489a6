// A listener on a free port with two IoThreads, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "intake/fake_acceptor.h"
#include "intake/smtp_listener.h"
#include "intake/test_client.h"

namespace mailweir::intake {

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    const std::string loopback[] = {"127.0.0.1/32", "127.0.0.8/31"};
    options.name = "test";
    options.endpoint = parse_endpoint("127.0.0.1:0").value();
    options.server.host_name = "mx.example.org";
    options.server.errors_max = 1'000'000;
    options.server.errors_soft_max = 1'000'000;
    options.relay_networks = Networks::parse(loopback).value();
  }
  ~ListenerTest() override {
    stop();
    acceptor.release();
    acceptor.settle();
    listener.reset();
    for (auto* thread : {&first, &second}) thread->join();
    EXPECT_EQ(memory.used(), 0u);
    EXPECT_EQ(statistics.sessions_open.load(), 0u);
  }

  void start() {
    listener = std::make_unique<SmtpListener>(
        options, std::vector<runtime::IoThread*>{&first, &second},
        SmtpDoor{clock, acceptor, memory, statistics, tls.get(), policy});
    const auto started = listener->start();
    ASSERT_TRUE(started) << started.error().context;
  }
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(10)) {
    if (listener) listener->stop(grace);
  }
  std::uint16_t port() const { return listener->port(); }
  void use_tls() {
    auto made = TlsIdentity::self_signed(testing::TempDir() + "/listener-tls", "mx.example.org");
    ASSERT_TRUE(made) << made.error().context;
    tls = *std::move(made);
  }

  ListenerOptions options;
  runtime::SystemClock clock;
  MemoryBudget memory{std::uint64_t{64} << 20};
  Statistics statistics;
  std::unique_ptr<TlsIdentity> tls;
  smtp::ServerPolicy* policy = nullptr;
  FakeAcceptor acceptor;
  runtime::IoThread first{"io-0"};
  runtime::IoThread second{"io-1"};
  std::unique_ptr<SmtpListener> listener;
};

}  // namespace mailweir::intake
