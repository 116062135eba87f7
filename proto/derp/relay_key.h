// The keys of DERP: a relay's own Curve25519 key, and the secret that relays of one region share.
// Clients are known to a relay by their node keys (proto/keys).
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/keys/private_key.h"

namespace aya::derp {

// The text form "derpkey<64 hex>" is also the common name of a relay's meta certificate.
struct RelayRole {
  static constexpr std::string_view kPublicPrefix = "derpkey";
};
using RelayPublicKey = PublicKey<RelayRole>;
using RelayPrivateKey = PrivateKey<RelayRole>;

// 32 secret bytes, "64 hex digits" in configuration and inside ClientInfo. The zero key means "no
// mesh" and matches nothing.
class MeshKey {
 public:
  MeshKey() = default;
  static std::optional<MeshKey> parse(std::string_view text);  // white space around it is allowed
  std::string to_text_for_seal() const;  // only ever written into a sealed ClientInfo

  bool is_zero() const { return secret_.is_zero(); }
  // Constant time; false if either is zero.
  bool matches(const MeshKey& other) const;

 private:
  crypto::Key32 secret_;
};

// What a relay says of itself in an extra certificate behind its TLS chain (nat-traversal 3.3), so
// that a client can seal its greeting before the relay has spoken (fast start, 3.4). Making and
// finding the certificate is proto/tls; these two functions are its meaning.
struct MetaCertificate {
  RelayPublicKey relay;
  std::uint8_t protocol_version = 0;  // the serial number
};
Result<MetaCertificate, ParseError> parse_meta_certificate(
    std::string_view common_name, std::uint64_t serial);
bool is_meta_certificate_name(std::string_view common_name);  // pinning skips such certificates

}  // namespace aya::derp
