// What the values of mail cost for each message: every one of these runs at least once for a
// message that passes through.
#include <benchmark/benchmark.h>

#include <string>

#include "mail/dot_stuffing.h"
#include "mail/header.h"
#include "mail/mailbox.h"
#include "mail/received.h"
#include "mail/reply_parser.h"

using namespace mailweir;

namespace {

// 4 KiB with ten header fields and lines of ordinary length.
std::string ordinary_content() {
  std::string content;
  for (int i = 0; i < 10; ++i) {
    content += "X-Field-" + std::to_string(i) + ": a value as long as values are\r\n";
  }
  content += "\r\n";
  while (content.size() < 4096) {
    content += "A line of text. It has a few dots, none of them at the line start.\r\n";
  }
  return content;
}

void parse_mailbox(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Mailbox::parse("jane.doe+tag@mail.example.com"));
}
BENCHMARK(parse_mailbox);

void parse_international_mailbox(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(Mailbox::parse("用户@例え.テスト", AddressCharset::utf8));
  }
}
BENCHMARK(parse_international_mailbox);

void count_received(benchmark::State& state) {
  const std::string content = ordinary_content();
  for (auto _ : state) benchmark::DoNotOptimize(count_fields(content, "Received"));
}
BENCHMARK(count_received);

void check_lines(benchmark::State& state) {
  const std::string content = ordinary_content();
  for (auto _ : state) benchmark::DoNotOptimize(has_strict_lines(content));
}
BENCHMARK(check_lines);

void stuff_dots(benchmark::State& state) {
  const std::string content = ordinary_content();
  for (auto _ : state) {
    const DataSpans data(content);
    benchmark::DoNotOptimize(data.size());
  }
}
BENCHMARK(stuff_dots);

void read_reply(benchmark::State& state) {
  ReplyParser parser;
  for (auto _ : state) {
    parser.feed("250 2.0.0 Ok: queued as 4XyZabcdef\r\n");
    benchmark::DoNotOptimize(parser.next());
  }
}
BENCHMARK(read_reply);

void write_received(benchmark::State& state) {
  ReceivedTrace trace;
  trace.helo = "client.example";
  trace.client_address = "192.0.2.7";
  trace.by = "mail.example";
  trace.protocol = "ESMTP";
  trace.recipient = "user@example.com";
  for (auto _ : state) benchmark::DoNotOptimize(compose_received(trace));
}
BENCHMARK(write_received);

}  // namespace

BENCHMARK_MAIN();
