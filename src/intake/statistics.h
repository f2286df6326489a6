// Statistics of the SMTP doors: counters that sessions raise on their threads and anybody may read
// at any time.
//
// Relaxed atomics: each figure is right, two figures read together may be a few events apart.
#pragma once

#include <atomic>
#include <cstdint>

namespace mailweir::intake {

struct Statistics {
  using Counter = std::atomic<std::uint64_t>;

  Counter sessions_open{0};  // a gauge
  Counter sessions_accepted{0};
  Counter sessions_refused_total_cap{0};
  Counter sessions_refused_address_cap{0};
  Counter sessions_timed_out{0};
  Counter sessions_early_talkers{0};
  Counter tls_handshakes{0};
  Counter tls_failures{0};
  Counter messages_received{0};  // complete, handed to the acceptor
  Counter messages_accepted{0};
  Counter messages_refused{0};      // by the acceptor
  Counter messages_over_memory{0};  // refused at MAIL or in the content, for want of memory
  Counter refused_relay{0};         // 5xx replies: relaying denied,
  Counter refused_loop{0};          // too many Received fields,
  Counter refused_size{0};          // content, header or SIZE= too big,
  Counter refused_other{
      0};  // everything else: wrong commands, bad line ends, pipelining out of turn
  Counter content_bytes{0};  // of messages received
};

inline void add(Statistics::Counter& counter, std::uint64_t amount = 1) {
  counter.fetch_add(amount, std::memory_order_relaxed);
}
inline void subtract(Statistics::Counter& counter, std::uint64_t amount = 1) {
  counter.fetch_sub(amount, std::memory_order_relaxed);
}

}  // namespace mailweir::intake
