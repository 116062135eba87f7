// proto/tls is one TLS connection over memory buffers, either end, by OpenSSL: bytes in, bytes out.
// TLS 1.2 and 1.3. The transport belongs to the caller (proto/io/tls_stream.h).
//
//   auto session = TlsSession::client(context, {.server_name = "derp.example"});
//   session->take_output(out);                     // the client speaks first
//   session->receive(ciphertext, plaintext);       // error: close; take_output() has the alert
//   session->send(request);                        // at any time; waits for the handshake
//
// The rule for the owner: after every call that is not const, take_output() and send it.
//
// Whether a certificate is within its validity is judged by the system clock, which OpenSSL reads
// itself.
//
// Movable. One thread, its context's.
#pragma once

#include "proto/tls/tls_context.h"

namespace aya::tls {

struct TlsClientConfig {
  // Sent as SNI unless it is an IP literal, and what the certificate must cover.
  std::string server_name;
  // Offer ALPN "http/1.1". Who means to upgrade the connection never offers "h2" as well: the
  // upgrade would then be impossible.
  bool offer_http11 = false;
  bool offer_h2 = false;  // ALPN "h2", preferred
};

// What is known of the other end once established().
struct TlsPeer {
  std::optional<Sha256> fingerprint;    // of its leaf certificate
  std::optional<RelayMeta> relay_meta;  // a certificate in its chain announced a relay key
  std::string issuer;                   // of the leaf, one line; shown when TLS is intercepted
  bool tls13 = false;
  bool h2 = false;  // ALPN chose HTTP/2
};

class TlsSession {
 public:
  static Result<TlsSession, TlsError> client(TlsClientContext& context, const TlsClientConfig&);
  static TlsSession server(TlsServerContext& context);
  ~TlsSession();
  TlsSession(TlsSession&&) noexcept;
  TlsSession& operator=(TlsSession&&) noexcept;

  // Appends what was decrypted.
  Result<void, TlsError> receive(Bytes ciphertext, Buffer& plaintext);
  // Before the handshake is done the bytes wait inside the session.
  Result<void, TlsError> send(Bytes plaintext);
  void take_output(Buffer& ciphertext);
  // Says goodbye (close_notify). Without it a peer cannot tell an end from a cut.
  void shutdown();

  bool established() const;
  bool peer_said_goodbye() const;
  const TlsPeer& peer() const;  // established() only

 private:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::tls
