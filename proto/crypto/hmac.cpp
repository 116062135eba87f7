#include "proto/crypto/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "proto/base/check.h"

namespace aya::crypto {
namespace {

template <std::size_t N>
std::array<std::byte, N> hmac(const EVP_MD* digest, Bytes key, Bytes message) {
  std::array<std::byte, N> out;
  unsigned size = 0;
  const unsigned char* made = HMAC(
      digest, uchars(key), static_cast<int>(key.size()), uchars(message), message.size(),
      uchars(MutableBytes(out)), &size);
  AYA_CHECK(made != nullptr && size == N);
  return out;
}

}  // namespace

std::array<std::byte, 32> hmac_sha256(Bytes key, Bytes message) {
  return hmac<32>(EVP_sha256(), key, message);
}

std::array<std::byte, 20> hmac_sha1(Bytes key, Bytes message) {
  return hmac<20>(EVP_sha1(), key, message);
}

}  // namespace aya::crypto
