// Where to connect to reach a coordination server, and in what order (control 2.2).
//
// Plain HTTP is as good as TLS once the server's Noise key is known: everything is sealed to it.
// Until then only what the user trusts may tell the key: verified TLS, or plain HTTP where the URL
// itself says http. So a node that knows nothing dials one place and asks for the key there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/time.h"
#include "proto/http/target.h"

namespace aya::coord {

// What a TLS or TCP attempt may take before the next one begins beside it.
inline constexpr Duration kHeadStart = 500ms;

struct DialAttempt {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
  // True: the connection has to prove who it is (certificate or pin), as the key is asked over it.
  // False: a certificate that does not verify is worth a log line, nothing more.
  bool must_verify = false;
  // Not before this long after the first attempt, unless all earlier ones failed.
  Duration after{0};
  friend bool operator==(const DialAttempt&, const DialAttempt&) = default;
};

struct DialOptions {
  bool key_known = false;
  bool tls_only = false;      // never plain HTTP, whatever the URL
  bool tls_won_last = false;  // the last connection was TLS: it gets the head start
};

// In order of `after`. Empty: nothing that may tell the key may be dialled (tls_only, an http URL).
std::vector<DialAttempt> dial_plan(const http::Url& server, const DialOptions& options);

// localhost or a literal loopback or private address: no TLS is tried beside http there.
bool is_private_host(std::string_view host);

}  // namespace aya::coord
