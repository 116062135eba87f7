// Questions asked of one X.509 certificate. For the .cpp files of this room.
#pragma once

#include <openssl/x509.h>

#include <optional>
#include <string>

#include "proto/tls/certificate.h"

namespace aya::tls {

inline constexpr std::string_view kMetaNamePrefix = "derpkey";

std::string common_name_of(const X509* certificate);
Sha256 fingerprint_of(const X509* certificate);
// By its name alone: pinning skips these whether or not the key in them can be read.
bool is_relay_meta(const X509* certificate);
std::optional<RelayMeta> relay_meta_of(const X509* certificate);

std::string issuer_text(const X509* certificate);  // "CN=R11, O=Let's Encrypt, C=US"
std::string names_text(const X509* certificate);   // "a.example, 192.0.2.1", or the common name
std::string expiry_text(const X509* certificate);
bool covers_name(X509* certificate, const std::string& name);  // a DNS name or an IP literal

}  // namespace aya::tls
