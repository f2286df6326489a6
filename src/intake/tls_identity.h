// A TlsIdentity is the certificate and key a server shows in STARTTLS, as a ready SSL_CTX.
//
// TLS 1.2 or later, no renegotiation, no compression; idle sessions give their buffers back.
// Thread-safe: a reload changes what later handshakes use, and sessions under way keep the context
// they began with.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"

extern "C" {
typedef struct ssl_ctx_st SSL_CTX;
}

namespace mailweir::intake {

class TlsIdentity {
 public:
  struct Files {
    std::string certificate;  // PEM, the whole chain
    std::string key;          // PEM
  };

  // `invalid_argument` names the file and what is wrong with it.
  static Result<std::unique_ptr<TlsIdentity>> load(Files files);
  // The self-signed identity kept in `directory` (certificate.pem, key.pem with mode 0600), made
  // for `host_name` if there is none yet. It gives privacy on the line and proves nothing, as is
  // usual between mail servers (RFC 7435).
  static Result<std::unique_ptr<TlsIdentity>> self_signed(const std::string& directory,
                                                          const std::string& host_name);

  // Reads the files again; on error the old identity stays.
  Result<void> reload();
  std::shared_ptr<SSL_CTX> context() const;
  const Files& files() const { return files_; }

 private:
  TlsIdentity(Files files, std::shared_ptr<SSL_CTX> context);

  Files files_;
  mutable std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace mailweir::intake
