// TLS as an SMTP client uses it: encryption with whoever answers, session resumption, no judgement
// of certificates.
//
// TlsStream turns plaintext into TLS records and back, without I/O. One TlsClient serves one
// IoThread and outlives its streams.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <openssl/types.h>

using SSL_SESSION = struct ssl_session_st;  // types.h leaves it out

namespace mailweir::delivery {

class TlsClient;

class TlsStream {
 public:
  enum class Progress : std::uint8_t { done, wants_input, failed };

  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Goes as far with the handshake as the bytes received allow.
  Progress handshake();
  void receive(std::string_view records);
  // Appends the plaintext of what was received. `done`: the peer has closed the encrypted stream.
  Progress read(std::string& plaintext);
  bool write(std::string_view plaintext);
  // The announcement that no more will be written (close_notify).
  void finish();
  // Appends the records to be sent.
  void take_output(std::string& records);

  // "TLSv1.3 TLS_AES_256_GCM_SHA384"
  std::string description() const;
  const std::string& error() const { return error_; }  // for a person, after `failed`

 private:
  friend class TlsClient;
  TlsStream(TlsClient& client, std::string peer, SSL* ssl);
  Progress progress_of(int result);

  TlsClient& client_;
  std::string peer_;
  SSL* ssl_;
  std::string error_;
};

class TlsClient {
 public:
  static constexpr std::size_t resumable_max = 1000;  // peers remembered

  TlsClient();
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // `host` is sent as SNI unless it is an address; `peer` names the server for resumption. Null
  // when out of memory.
  std::unique_ptr<TlsStream> open(const std::string& host, std::string peer);

 private:
  friend class TlsStream;
  struct Resumable {
    std::string peer;
    SSL_SESSION* session;
  };
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  void remember(const std::string& peer, SSL_SESSION* session);
  void forget(const std::string& peer);

  SSL_CTX* context_;
  std::list<Resumable> resumables_;  // oldest first
  std::unordered_map<std::string, std::list<Resumable>::iterator> by_peer_;
};

}  // namespace mailweir::delivery
