// Why an operation of this room failed: a kind to decide by, and words for a person.
#pragma once

#include <string>

namespace aya::io {

struct IoError {
  enum class Kind {
    NotFound,     // no such host name, no such socket file
    Refused,      // nobody listens there
    Unreachable,  // no route, or the network is down
    TimedOut,
    Reset,  // the peer or the network cut the connection
    Ended,  // the peer ended it in an orderly way
    AddressInUse,
    Permission,
    Tls,       // detail says what was wrong with the certificate or handshake
    Protocol,  // the peer does not speak what was expected
    TooSlow,   // the peer did not read and the write queue reached its limit
    Other,
  };
  Kind kind = Kind::Other;
  std::string detail;

  static IoError from_uv(int status, const std::string& doing);  // "connect to 192.0.2.1:443"
  static IoError from_errno(int error, const std::string& doing);
};

}  // namespace aya::io
