#include "proto/crypto/blake2s.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>

#include "proto/base/check.h"
#include "proto/base/free_with.h"

namespace aya::crypto {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeWith<EVP_MAC_CTX_free>>;

// Fetching an algorithm costs microseconds, so each is fetched once for the life of the program.
const EVP_MD* digest() {
  static const EVP_MD* const kDigest = EVP_MD_fetch(nullptr, "BLAKE2s-256", nullptr);
  AYA_CHECK(kDigest != nullptr);
  return kDigest;
}

EVP_MAC* mac() {
  static EVP_MAC* const kMac = EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr);
  AYA_CHECK(kMac != nullptr);
  return kMac;
}

// One context per thread, reused: creating one allocates.
EVP_MD_CTX* digest_context() {
  thread_local const DigestContext context(EVP_MD_CTX_new());
  AYA_CHECK(context != nullptr);
  return context.get();
}

EVP_MAC_CTX* mac_context() {
  thread_local const MacContext context(EVP_MAC_CTX_new(mac()));
  AYA_CHECK(context != nullptr);
  return context.get();
}

constexpr std::size_t kBlock = 64;

}  // namespace

Hash32 blake2s(std::initializer_list<Bytes> parts) {
  EVP_MD_CTX* context = digest_context();
  AYA_CHECK(EVP_DigestInit_ex2(context, digest(), nullptr) == 1);
  for (const Bytes part : parts) {
    AYA_CHECK(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  }
  Hash32 out;
  AYA_CHECK(EVP_DigestFinal_ex(context, uchars(MutableBytes(out)), nullptr) == 1);
  return out;
}

std::array<std::byte, 16> blake2s_mac16(Bytes key, std::initializer_list<Bytes> parts) {
  std::array<std::byte, 16> out;
  std::size_t size = out.size();
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  EVP_MAC_CTX* context = mac_context();
  AYA_CHECK(EVP_MAC_init(context, uchars(key), key.size(), parameters) == 1);
  for (const Bytes part : parts) {
    AYA_CHECK(EVP_MAC_update(context, uchars(part), part.size()) == 1);
  }
  std::size_t written = 0;
  AYA_CHECK(EVP_MAC_final(context, uchars(MutableBytes(out)), &written, out.size()) == 1);
  return out;
}

Hash32 hmac_blake2s(Bytes key, std::initializer_list<Bytes> parts) {
  AYA_CHECK(key.size() <= kBlock);
  std::array<std::byte, kBlock> inner{};
  copy_bytes(inner, key);
  std::array<std::byte, kBlock> outer = inner;
  for (std::byte& b : inner) b ^= std::byte{0x36};
  for (std::byte& b : outer) b ^= std::byte{0x5c};

  EVP_MD_CTX* context = digest_context();
  Hash32 digest_of_inner;
  AYA_CHECK(EVP_DigestInit_ex2(context, digest(), nullptr) == 1);
  AYA_CHECK(EVP_DigestUpdate(context, inner.data(), inner.size()) == 1);
  for (const Bytes part : parts) {
    AYA_CHECK(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  }
  AYA_CHECK(EVP_DigestFinal_ex(context, uchars(MutableBytes(digest_of_inner)), nullptr) == 1);
  const Hash32 out = blake2s({outer, digest_of_inner});
  wipe(inner);
  wipe(outer);
  wipe(digest_of_inner);
  return out;
}

namespace {

// t(i) = HMAC(t0, t(i-1) || i)
Key32 next_output(Bytes t0, Bytes previous, std::byte index) {
  Hash32 raw = hmac_blake2s(t0, {previous, Bytes(&index, 1)});
  const Key32 out(raw);
  wipe(raw);
  return out;
}

}  // namespace

Key32 kdf1(Bytes chaining_key, Bytes input) {
  const Key32 t0(hmac_blake2s(chaining_key, {input}));
  return next_output(t0.bytes(), {}, std::byte{1});
}

Kdf2 kdf2(Bytes chaining_key, Bytes input) {
  const Key32 t0(hmac_blake2s(chaining_key, {input}));
  Kdf2 out;
  out.first = next_output(t0.bytes(), {}, std::byte{1});
  out.second = next_output(t0.bytes(), out.first.bytes(), std::byte{2});
  return out;
}

Kdf3 kdf3(Bytes chaining_key, Bytes input) {
  const Key32 t0(hmac_blake2s(chaining_key, {input}));
  Kdf3 out;
  out.first = next_output(t0.bytes(), {}, std::byte{1});
  out.second = next_output(t0.bytes(), out.first.bytes(), std::byte{2});
  out.third = next_output(t0.bytes(), out.second.bytes(), std::byte{3});
  return out;
}

}  // namespace aya::crypto
