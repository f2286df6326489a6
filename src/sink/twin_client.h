// A blocking SMTP client for tests of a Twin, that can tell a reply, an orderly close, an RST and a
// lasting silence from each other. Every wait has a deadline of ten seconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/networks.h"

extern "C" {
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;
}

namespace mailweir::sink {

struct Heard {
  enum class Kind : std::uint8_t { reply, close, reset, silence, late } kind = Kind::late;
  int code = 0;
  std::string text;  // of a reply: its lines without the code, joined by '\n'
};

class TwinClient {
 public:
  // Connects from `source`. `silence` is an eventfd that counts sessions gone silent.
  TwinClient(const Endpoint& to, const IpAddress& source, int silence);
  ~TwinClient();
  TwinClient(const TwinClient&) = delete;
  TwinClient& operator=(const TwinClient&) = delete;

  Heard hear();
  Heard say(std::string_view octets);
  // The handshake, after a 220 to STARTTLS. A reply of code 0 is its success.
  Heard shake_hands();
  void close();

 private:
  // Waits until the socket has something, or says what happened instead.
  bool wait(bool for_writing, Heard& heard);
  bool fill(Heard& heard);

  int socket_ = -1;
  const int silence_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string input_;
};

}  // namespace mailweir::sink
