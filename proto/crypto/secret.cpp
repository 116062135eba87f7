#include "proto/crypto/secret.h"

#include <sodium.h>

namespace aya::crypto {

void wipe(MutableBytes bytes) {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

bool equal_in_constant_time(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  return a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace aya::crypto
