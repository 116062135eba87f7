#include "proto/crypto/x25519.h"

#include <sodium.h>

#include "proto/base/check.h"

namespace aya::crypto {

Key32 clamp_x25519(std::span<const std::byte, 32> raw) {
  Key32 out(raw);
  const auto bytes = out.mutable_bytes();
  bytes[0] &= std::byte{248};
  bytes[31] = (bytes[31] & std::byte{127}) | std::byte{64};
  return out;
}

Key32 new_x25519_private(Rng& rng) {
  Key32 raw;
  rng.fill(raw.mutable_bytes());
  return clamp_x25519(raw.bytes());
}

Point32 x25519_public(const Key32& private_key) {
  Point32 out;
  AYA_CHECK(
      crypto_scalarmult_base(uchars(MutableBytes(out)), uchars(Bytes(private_key.bytes()))) == 0);
  return out;
}

std::optional<Key32> x25519(const Key32& private_key, std::span<const std::byte, 32> public_key) {
  Key32 out;
  const int failed = crypto_scalarmult(
      uchars(MutableBytes(out.mutable_bytes())), uchars(Bytes(private_key.bytes())),
      uchars(Bytes(public_key)));
  if (failed != 0) return std::nullopt;
  return out;
}

}  // namespace aya::crypto
