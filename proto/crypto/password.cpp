#include "proto/crypto/password.h"

#include <sodium.h>

#include <array>

namespace aya::crypto {
namespace {

constexpr auto kOps = crypto_pwhash_OPSLIMIT_INTERACTIVE;     // 2 passes
constexpr auto kMemory = crypto_pwhash_MEMLIMIT_INTERACTIVE;  // over 64 MiB

}  // namespace

std::optional<std::string> hash_password(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> out;
  const int failed = crypto_pwhash_str(out.data(), password.data(), password.size(), kOps, kMemory);
  if (failed != 0) return std::nullopt;
  return std::string(out.data());
}

bool password_matches(const std::string& password, const std::string& hash) {
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

bool is_outdated_hash(const std::string& hash) {
  return crypto_pwhash_str_needs_rehash(hash.c_str(), kOps, kMemory) != 0;
}

const std::string& nobodys_hash() {
  static const std::string kHash =
      "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  return kHash;
}

}  // namespace aya::crypto
