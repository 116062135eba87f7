// Certificates made and read: the self-signed one of a server without its own, the "meta
// certificate" in which a DERP relay announces its key (nat-traversal 3.3), pins and fingerprints.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/tls/tls_error.h"

namespace aya::tls {

using Sha256 = std::array<std::byte, 32>;
using RelayKey = std::array<std::byte, 32>;  // the raw DERP public key

Sha256 sha256(Bytes bytes);

// A certificate's fingerprint is the SHA-256 of its DER form. As a pin it is written
// "sha256-raw:" and 64 lower-case digits.
std::optional<Sha256> parse_pin(std::string_view text);
std::string pin_text(const Sha256& fingerprint);

// Of the first certificate in PEM text.
Result<Sha256, TlsError> pem_fingerprint(std::string_view certificate_pem);

struct KeyedCertificate {
  std::string certificate_pem;
  std::string private_key_pem;  // a secret: mode 0600 where it is stored
};

struct SelfSigned {
  std::vector<std::string> names;  // DNS names and IP literals, each becomes a SAN; the first is CN
  WallTime not_before;
  std::chrono::days lifetime{3650};
};
// ECDSA P-256.
Result<KeyedCertificate, TlsError> make_self_signed(const SelfSigned& wanted);

struct RelayMeta {
  RelayKey key;
  int version;  // the serial number: 2
};
// Ed25519, self-signed with a key that is thrown away, valid 30 days around `now`. Returns PEM.
Result<std::string, TlsError> make_relay_meta(const RelayMeta& meta, WallTime now);
// What a certificate announces, if it is a meta certificate.
std::optional<RelayMeta> read_relay_meta(std::string_view certificate_pem);

}  // namespace aya::tls
