// Our trace field, put in front of every message we accept (RFC 5321 section 4.4).
//
// Pure. The client chooses the HELO name and half of the rest: nothing it says can end a line, open
// a comment or add a clause.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace mailweir {

struct ReceivedTrace {
  std::string_view helo;            // as the client said it; empty: it did not
  std::string_view client_address;  // "192.0.2.7", "2001:db8::1"; empty: handed in on this host
  std::string_view client_name;     // verified reverse name, or empty
  std::string_view by;              // our host name
  std::string_view protocol;        // "ESMTPS", see received_protocol(); "HTTP", "local"
  std::string_view tls;             // "TLSv1.3 TLS_AES_256_GCM_SHA384", empty in clear
  std::string_view id;              // the message id where it is known already, or empty
  std::string_view recipient;  // "a@b": only of a message with one recipient, else others would be
                               // told (section 7.2)
  UnixTime at{};
  bool smtputf8 = false;  // the transaction declared it: UTF-8 may stand in the field
};

// The whole field, folded, with its final CRLF.
std::string compose_received(const ReceivedTrace& trace);

// The registered keyword for a way of transmission (RFC 3848, RFC 6531 section 4.3): SMTP, ESMTP,
// ESMTPS, UTF8SMTPSA, …
struct TransmissionFeatures {
  bool extended = false;  // EHLO
  bool tls = false;
  bool authenticated = false;
  bool smtputf8 = false;
};
std::string_view received_protocol(TransmissionFeatures features);

}  // namespace mailweir
