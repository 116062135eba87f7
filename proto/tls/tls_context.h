// What sessions share. A context costs memory (the root store most of all), so a program makes one
// for each kind of trust it needs and passes it around; nothing is loaded before the first session.
//
// OpenSSL's own root loading is the only thing in this room that reads files: the system's roots,
// or the file named by SSL_CERT_FILE. Where the distribution keeps roots in a hashed directory
// (Debian), only the roots that a peer's chain asks for are read and kept.
//
// Neither copied nor moved; outlives its sessions. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proto/tls/certificate.h"

namespace aya::tls {

// How a client decides that the server is who it should be.
struct TlsTrust {
  enum class Mode {
    Roots,     // a chain to a system root or to one of extra_roots_pem, and the right name
    Pinned,    // exactly this certificate, covering the name, and in its validity (3.3)
    Insecure,  // anything: for tests, and for probes that only measure
  };
  Mode mode = Mode::Roots;
  std::string extra_roots_pem;
  Sha256 pin{};

  static TlsTrust roots() { return {}; }
  static TlsTrust extra_roots(std::string pem) { return {Mode::Roots, std::move(pem), {}}; }
  static TlsTrust pinned(const Sha256& fingerprint) { return {Mode::Pinned, {}, fingerprint}; }
  static TlsTrust insecure() { return {Mode::Insecure, {}, {}}; }
};

class TlsClientContext {
 public:
  explicit TlsClientContext(TlsTrust trust);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

 private:
  friend class TlsSession;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct TlsServerConfig {
  std::string chain_pem;  // leaf first
  std::string key_pem;
  // Appended behind the chain; clients that do not know it ignore it.
  std::string relay_meta_pem;
};

class TlsServerContext {
 public:
  static Result<std::unique_ptr<TlsServerContext>, TlsError> make(const TlsServerConfig& config);
  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;

  const Sha256& fingerprint() const;  // of the leaf: what clients may pin

 private:
  friend class TlsSession;
  struct Impl;
  explicit TlsServerContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::tls
