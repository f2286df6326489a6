// A blocking SMTP client for tests, in clear or in TLS. Every wait has a deadline of ten seconds,
// after which the test fails.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

extern "C" {
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;
}

namespace mailweir::intake {

class TestClient {
 public:
  // Connects to 127.0.0.1:port, from `source` ("127.0.0.9") if given.
  explicit TestClient(std::uint16_t port, const char* source = nullptr);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void send(std::string_view octets);
  // The code of the next reply; 0 when the server closed the connection. `last_reply` has the whole
  // of it.
  int reply();
  int say(std::string_view octets) {
    send(octets);
    return reply();
  }
  // Greeting and EHLO.
  void greet();
  // Up to the 354.
  void open_content();
  bool start_tls();  // STARTTLS and the handshake
  void send_close_notify();
  void send_in_clear(std::string_view octets);
  bool has_input_now();
  bool is_closed();  // waits for the end, skipping what comes before it

  std::string last_reply;

 private:
  bool fill();
  std::string take_line();

  int socket_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string input_;
};

}  // namespace mailweir::intake
