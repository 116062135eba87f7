#include "proto/keys/private_key.h"

#include "proto/crypto/x25519.h"

namespace aya::key_text {
namespace {
constexpr std::string_view kPrivatePrefix = "privkey:";
}  // namespace

crypto::Key32 new_private(Rng& rng) { return crypto::new_x25519_private(rng); }

std::array<std::byte, 32> public_of(const crypto::Key32& secret) {
  return crypto::x25519_public(secret);
}

std::string format_private(const crypto::Key32& secret) {
  return format(kPrivatePrefix, secret.bytes());
}

std::optional<crypto::Key32> parse_private(std::string_view text) {
  crypto::Key32 out;
  if (!parse(kPrivatePrefix, text, out.mutable_bytes())) return std::nullopt;
  return out;
}

}  // namespace aya::key_text
