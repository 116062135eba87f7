#include "proto/crypto/sha256.h"

#include <sodium.h>

namespace aya::crypto {

std::array<std::byte, 32> sha256(Bytes input) {
  std::array<std::byte, 32> out;
  crypto_hash_sha256(uchars(MutableBytes(out)), uchars(input), input.size());
  return out;
}

}  // namespace aya::crypto
