#include "delivery/tls_client.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <climits>
#include <utility>

#include "base/assert.h"
#include "base/networks.h"

namespace mailweir::delivery {
namespace {

std::string take_openssl_error() {
  std::array<char, 256> text{};
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) return "the peer broke off the TLS handshake";
  const char* const reason = ::ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  ::ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

}  // namespace

TlsStream::TlsStream(TlsClient& client, std::string peer, SSL* ssl)
    : client_(client), peer_(std::move(peer)), ssl_(ssl) {
  SSL_set_app_data(ssl_, this);
}

TlsStream::~TlsStream() {
  // Servers close without ceremony after QUIT; OpenSSL would then mark the session as not resumable
  // (RFC 5246 section 7.2.1 dropped that rule).
  ::SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ::SSL_free(ssl_);
}

TlsStream::Progress TlsStream::progress_of(int result) {
  switch (::SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Progress::wants_input;
    case SSL_ERROR_ZERO_RETURN:
      return Progress::done;
    default:
      break;
  }
  error_ = take_openssl_error();
  return Progress::failed;
}

TlsStream::Progress TlsStream::handshake() {
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl_);
  if (result == 1) return Progress::done;
  const Progress progress = progress_of(result);
  if (progress == Progress::wants_input) return progress;
  // A ticket that its issuer chokes on must not spoil the next attempt too.
  client_.forget(peer_);
  return Progress::failed;
}

void TlsStream::receive(std::string_view records) {
  WEIR_ASSERT(records.size() <= INT_MAX);
  ::BIO_write(::SSL_get_rbio(ssl_), records.data(), static_cast<int>(records.size()));
}

TlsStream::Progress TlsStream::read(std::string& plaintext) {
  std::array<char, 4096> buffer;
  while (true) {
    ::ERR_clear_error();
    const int length = ::SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
    if (length <= 0) return progress_of(length);
    plaintext.append(buffer.data(), static_cast<std::size_t>(length));
  }
}

bool TlsStream::write(std::string_view plaintext) {
  WEIR_ASSERT(plaintext.size() <= INT_MAX);
  if (plaintext.empty()) return true;
  ::ERR_clear_error();
  const int written = ::SSL_write(ssl_, plaintext.data(), static_cast<int>(plaintext.size()));
  if (written > 0) return true;
  error_ = take_openssl_error();
  return false;
}

void TlsStream::finish() {
  ::ERR_clear_error();
  ::SSL_shutdown(ssl_);
  ::ERR_clear_error();
}

void TlsStream::take_output(std::string& records) {
  BIO* const bio = ::SSL_get_wbio(ssl_);
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(bio, &bytes);
  if (length <= 0) return;
  records.append(bytes, static_cast<std::size_t>(length));
  BIO_reset(bio);
}

std::string TlsStream::description() const {
  return std::string(::SSL_get_version(ssl_)) + ' ' + ::SSL_get_cipher_name(ssl_);
}

TlsClient::TlsClient() : context_(::SSL_CTX_new(::TLS_client_method())) {
  WEIR_ASSERT(context_ != nullptr);
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  // The alternative to a weak key is no encryption at all (RFC 7435 section 3), so small keys are
  // let through.
  ::SSL_CTX_set_security_level(context_, 0);
  ::SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
  // An idle session keeps no record buffers.
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  ::SSL_CTX_sess_set_new_cb(context_, &TlsClient::on_new_session);
}

TlsClient::~TlsClient() {
  for (const Resumable& resumable : resumables_) ::SSL_SESSION_free(resumable.session);
  ::SSL_CTX_free(context_);
}

std::unique_ptr<TlsStream> TlsClient::open(const std::string& host, std::string peer) {
  SSL* const ssl = ::SSL_new(context_);
  BIO* const input = ::BIO_new(::BIO_s_mem());
  BIO* const output = ::BIO_new(::BIO_s_mem());
  if (ssl == nullptr || input == nullptr || output == nullptr) {
    ::SSL_free(ssl);
    ::BIO_free(input);
    ::BIO_free(output);
    return nullptr;
  }
  BIO_set_mem_eof_return(input, -1);  // an empty input means: later
  ::SSL_set_bio(ssl, input, output);
  ::SSL_set_connect_state(ssl);
  if (!IpAddress::parse(host)) SSL_set_tlsext_host_name(ssl, host.c_str());
  if (const auto found = by_peer_.find(peer); found != by_peer_.end()) {
    ::SSL_set_session(ssl, found->second->session);
  }
  return std::unique_ptr<TlsStream>(new TlsStream(*this, std::move(peer), ssl));
}

int TlsClient::on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* stream = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  stream->client_.remember(stream->peer_, session);
  return 1;  // the reference is ours now
}

void TlsClient::remember(const std::string& peer, SSL_SESSION* session) {
  forget(peer);
  if (resumables_.size() == resumable_max) forget(std::string(resumables_.front().peer));
  by_peer_[peer] = resumables_.insert(resumables_.end(), {peer, session});
}

void TlsClient::forget(const std::string& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return;
  ::SSL_SESSION_free(found->second->session);
  resumables_.erase(found->second);
  by_peer_.erase(found);
}

}  // namespace mailweir::delivery
