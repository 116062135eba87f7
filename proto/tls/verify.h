// The decision whether a server's certificate is the right one, made inside OpenSSL's handshake so
// that a refused server gets its alert. For the .cpp files of this room.
#pragma once

#include <openssl/x509_vfy.h>

#include <optional>

#include "proto/tls/tls_context.h"

namespace aya::tls {

// nullopt: trusted. Sets the error in `chain` otherwise, from which OpenSSL picks the alert.
std::optional<TlsError> refusal_of(
    X509_STORE_CTX* chain, const TlsTrust& trust, const std::string& server_name);

}  // namespace aya::tls
