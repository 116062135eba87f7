// Why a TLS session failed, in words for the person who has to fix it.
#pragma once

#include <string>

namespace aya::tls {

struct TlsError {
  enum class Kind {
    BadConfig,       // certificate, key or pin of ours cannot be used
    WrongName,       // valid, but for another name
    UnknownIssuer,   // no path to a root that we trust; also: self-signed
    Expired,         // or not valid yet
    PinMismatch,     // not the certificate we were told to expect
    BadCertificate,  // refused for any other reason
    PeerRefused,     // the peer sent an alert
    Protocol,        // not TLS, or broken TLS
  };
  Kind kind = Kind::Protocol;
  std::string detail;  // one sentence, no line break
};

}  // namespace aya::tls
