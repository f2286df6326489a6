#include "intake/tls_identity.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace mailweir::intake {
namespace {

template <auto free_it>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    free_it(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using File = std::unique_ptr<std::FILE, Freer<std::fclose>>;

std::string openssl_reason() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown TLS error";
}

std::unexpected<Error> wrong(const std::string& what, const std::string& file) {
  return fail(Errc::invalid_argument, "TLS: " + what + " " + file + ": " + openssl_reason());
}

Result<void> check_readable(const std::string& file) {
  if (::access(file.c_str(), R_OK) == 0) return {};
  return fail(Errc::invalid_argument, "TLS: cannot read " + file + ": " + std::strerror(errno));
}

Result<std::shared_ptr<SSL_CTX>> make_context(const TlsIdentity::Files& files) {
  WEIR_CHECK(check_readable(files.certificate));
  WEIR_CHECK(check_readable(files.key));
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return fail(Errc::io, "TLS: " + openssl_reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);  // one receive a record instead of two
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets need no memory here
  SSL_CTX_set_num_tickets(context.get(), 1);
  static constexpr unsigned char session_context[] = "mailweir";
  SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context - 1);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return wrong("no usable certificate in", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return wrong("no usable key in", files.key);
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return wrong("the key in " + files.key + " does not belong to the certificate in",
                 files.certificate);
  }
  return context;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate sign_own_certificate(EVP_PKEY* key, const std::string& host_name) {
  constexpr long ten_years = 10L * 365 * 24 * 3600;
  Certificate certificate(X509_new());
  if (!certificate) return nullptr;
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);  // clocks differ
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ten_years);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  // A common name holds at most 64 characters (X.520); the alternative name below holds the whole.
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(host_name.substr(0, 64).c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  const bool is_done =
      add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + host_name) &&
      add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      X509_sign(certificate.get(), key, EVP_sha256()) != 0;
  if (!is_done) certificate.reset();
  return certificate;
}

// Writes beside `path` and renames, so that a crash leaves either nothing or the whole.
template <class Write>
Result<void> write_private_file(const std::string& path, Write write) {
  const auto failed = [&path] {
    return fail(Errc::io, "TLS: cannot write " + path + ": " + std::strerror(errno));
  };
  const std::string unfinished = path + ".new";
  const int descriptor = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return failed();
  File file(::fdopen(descriptor, "w"));
  if (!file) {
    ::close(descriptor);
    return failed();
  }
  const bool is_written =
      write(file.get()) && std::fflush(file.get()) == 0 && ::fsync(descriptor) == 0;
  if (!is_written) return failed();
  file.reset();
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) return failed();
  return {};
}

Result<void> make_self_signed(const TlsIdentity::Files& files, const std::string& host_name) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return fail(Errc::io, "TLS: cannot make a key: " + openssl_reason());
  const auto certificate = sign_own_certificate(key.get(), host_name);
  if (!certificate) return fail(Errc::io, "TLS: cannot make a certificate: " + openssl_reason());
  // The key first: a certificate in place means that both are.
  WEIR_CHECK(write_private_file(files.key, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  }));
  return write_private_file(files.certificate, [&](std::FILE* file) {
    return PEM_write_X509(file, certificate.get()) == 1;
  });
}

}  // namespace

TlsIdentity::TlsIdentity(Files files, std::shared_ptr<SSL_CTX> context)
    : files_(std::move(files)), context_(std::move(context)) {}

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::load(Files files) {
  WEIR_TRY(auto context, make_context(files));
  return std::unique_ptr<TlsIdentity>(new TlsIdentity(std::move(files), std::move(context)));
}

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::self_signed(const std::string& directory,
                                                              const std::string& host_name) {
  Files files{directory + "/certificate.pem", directory + "/key.pem"};
  std::error_code ec;
  if (!std::filesystem::exists(files.certificate, ec)) {
    std::filesystem::create_directories(directory, ec);
    if (ec) return fail(Errc::io, "TLS: cannot make " + directory + ": " + ec.message());
    WEIR_CHECK(make_self_signed(files, host_name));
  }
  return load(std::move(files));
}

Result<void> TlsIdentity::reload() {
  WEIR_TRY(auto context, make_context(files_));
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
  return {};
}

std::shared_ptr<SSL_CTX> TlsIdentity::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace mailweir::intake
