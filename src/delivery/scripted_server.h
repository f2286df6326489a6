// For tests: an SMTP server on 127.0.0.1 that says what a script says, in blocking threads.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <openssl/types.h>

namespace mailweir::delivery::testing {

// The server's end of one connection. Every wait ends after ten seconds at the latest.
class Peer {
 public:
  Peer(int descriptor, SSL_CTX* tls_context);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void say(std::string_view bytes);
  // The next line without CRLF; "" at the end of the connection, or after ten seconds.
  std::string hear();
  // Reads lines until one begins with `verb`; returns it.
  std::string hear_until(std::string_view verb);
  // Waits until something has come, whatever it is, and forgets it.
  void hear_anything();
  // Everything up to and without the final dot line, dots as sent.
  std::string hear_content();
  void accept_tls();
  bool was_tls_resumed() const;
  void reset();  // closes with RST
  std::string client_address() const;
  // Whether all that has arrived is read (what came in one write comes in one segment on loopback).
  bool has_unread() const { return read_ < buffer_.size(); }

  // banner, EHLO with these keywords
  void greet(std::string_view keywords = "PIPELINING");
  // One pipelined transaction with one recipient, accepted; returns the content.
  std::string accept_message();
  // 221, once QUIT has come.
  void part();

 private:
  bool fill();

  int descriptor_;
  SSL_CTX* tls_context_;
  SSL* tls_ = nullptr;
  std::string buffer_;
  std::size_t read_ = 0;
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  // The n-th connection gets the n-th script, all further ones the last.
  explicit ScriptedServer(std::vector<Script> scripts);
  ~ScriptedServer();  // ends every connection
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::size_t connections() const;

 private:
  void listen();
  void serve(int descriptor, const Script& script);

  std::vector<Script> scripts_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  SSL_CTX* tls_context_;
  mutable std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::size_t connections_ = 0;
  bool is_ending_ = false;
  std::thread listening_;
};

}  // namespace mailweir::delivery::testing
