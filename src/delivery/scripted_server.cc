#include "delivery/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"

namespace mailweir::delivery::testing {
namespace {

// A certificate that nobody has signed but itself.
SSL_CTX* make_tls_context() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("mx.test"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  WEIR_ASSERT(SSL_CTX_use_certificate(context, certificate) == 1);
  WEIR_ASSERT(SSL_CTX_use_PrivateKey(context, key) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

}  // namespace

Peer::Peer(int descriptor, SSL_CTX* tls_context)
    : descriptor_(descriptor), tls_context_(tls_context) {
  const timeval limit{10, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int yes = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Peer::~Peer() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    SSL_free(tls_);
  }
}

void Peer::say(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t length = 0;
    if (tls_ != nullptr) {
      length = SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
    } else {
      length = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    if (length <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(length));
  }
}

bool Peer::fill() {
  std::array<char, 65536> bytes;
  const ssize_t length = tls_ != nullptr
                             ? SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::recv(descriptor_, bytes.data(), bytes.size(), 0);
  if (length <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(length));
  return true;
}

std::string Peer::hear() {
  while (true) {
    const std::size_t end = buffer_.find("\r\n", read_);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(read_, end - read_);
      read_ = end + 2;
      return line;
    }
    if (!fill()) return {};
  }
}

std::string Peer::hear_until(std::string_view verb) {
  while (true) {
    std::string line = hear();
    if (line.starts_with(verb) || line.empty()) return line;
  }
}

void Peer::hear_anything() {
  if (!has_unread()) fill();
  read_ = buffer_.size();
}

std::string Peer::hear_content() {
  const std::size_t begin = read_;
  while (true) {
    const std::size_t end = buffer_.find("\r\n.\r\n", begin);
    if (end != std::string::npos) {
      read_ = end + 5;
      return buffer_.substr(begin, end + 2 - begin);
    }
    if (!fill()) return {};
  }
}

void Peer::accept_tls() {
  tls_ = SSL_new(tls_context_);
  SSL_set_fd(tls_, descriptor_);
  SSL_accept(tls_);
}

bool Peer::was_tls_resumed() const {
  return tls_ != nullptr && SSL_session_reused(tls_) == 1;
}

void Peer::reset() {
  const linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::string Peer::client_address() const {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getpeername(descriptor_, reinterpret_cast<sockaddr*>(&address), &length);
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return text.data();
}

void Peer::greet(std::string_view keywords) {
  say("220 mx.test ESMTP\r\n");
  hear_until("EHLO ");
  std::string reply = "250-mx.test\r\n";
  while (!keywords.empty()) {
    const std::size_t space = keywords.find(',');
    reply.append("250-").append(keywords.substr(0, space)).append("\r\n");
    keywords.remove_prefix(space == keywords.npos ? keywords.size() : space + 1);
  }
  say(reply + "250 HELP\r\n");
}

std::string Peer::accept_message() {
  if (hear_until("DATA").empty()) return {};
  say("250 sender\r\n250 recipient\r\n354 go\r\n");
  std::string content = hear_content();
  say("250 2.0.0 queued\r\n");
  return content;
}

void Peer::part() {
  if (!hear_until("QUIT").empty()) say("221 bye\r\n");
}

ScriptedServer::ScriptedServer(std::vector<Script> scripts)
    : scripts_(std::move(scripts)), tls_context_(make_tls_context()) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  WEIR_ASSERT(listener_ >= 0);
  WEIR_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
  WEIR_ASSERT(::listen(listener_, 64) == 0);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  listening_ = std::thread([this] { listen(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  listening_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
  SSL_CTX_free(tls_context_);
}

std::size_t ScriptedServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void ScriptedServer::listen() {
  while (true) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const std::lock_guard lock(mutex_);
    if (is_ending_) {
      ::close(descriptor);
      return;
    }
    const Script& script = scripts_[std::min(connections_, scripts_.size() - 1)];
    ++connections_;
    open_.push_back(descriptor);
    threads_.emplace_back([this, descriptor, &script] { serve(descriptor, script); });
  }
}

void ScriptedServer::serve(int descriptor, const Script& script) {
  // OpenSSL writes without MSG_NOSIGNAL.
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  {
    Peer peer(descriptor, tls_context_);
    script(peer);
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, descriptor);
  ::close(descriptor);
}

}  // namespace mailweir::delivery::testing
