// The OpenSSL side of contexts, shared by tls_context.cpp and tls_session.cpp.
#pragma once

#include "proto/tls/openssl_ptr.h"
#include "proto/tls/tls_context.h"

namespace aya::tls {

struct TlsClientContext::Impl {
  // Made for the first session: a program that never speaks TLS never pays for it.
  Result<SSL_CTX*, TlsError> get();

  TlsTrust trust;
  SslCtxPtr made;
};

struct TlsServerContext::Impl {
  SslCtxPtr context;
  Sha256 fingerprint{};
};

}  // namespace aya::tls
