// From "host, port, TLS?" to a connected stream: name lookup, race of addresses, TLS handshake, one
// deadline over all of it. What coord, relay and HTTP clients begin with.
#pragma once

#include <functional>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proto/io/tcp_stream.h"
#include "proto/tls/tls_session.h"

namespace aya::io {

struct DialTarget {
  std::string host;  // name or IP literal
  std::uint16_t port = 0;
  // When not empty these are dialled instead of looking `host` up, which still names the server
  // for TLS: a relay map brings addresses along.
  std::vector<IpAddress> addresses;
  tls::TlsClientContext* tls = nullptr;  // nullptr: plain. Borrowed for the life of the stream
  std::string tls_name;                  // if not `host`
  bool offer_http11 = false;
  bool offer_h2 = false;  // see TlsClientConfig
  // Dials no address of a local network, whatever the name says: for what strangers may choose.
  bool public_only = false;
  SocketOptions socket;
  Duration timeout = 10s;
};

struct Dialled {
  std::unique_ptr<ByteStream> stream;
  Endpoint local;
  Endpoint remote;
  std::optional<tls::TlsPeer> tls;
};

// Destroying the object gives up.
class Dial {
 public:
  using Done = std::function<void(Result<Dialled, IoError>)>;

  Dial(Loop& loop, DialTarget target, Done done);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with a callback in progress, which may destroy the Dial
};

}  // namespace aya::io
