#include "proto/crypto/aead.h"

#include <sodium.h>

#include "proto/base/check.h"
#include "proto/base/endian.h"

namespace aya::crypto {

Nonce12 nonce_le(std::uint64_t counter) {
  Nonce12 out{};
  store_le(out.data() + 4, counter);
  return out;
}

Nonce12 nonce_be(std::uint64_t counter) {
  Nonce12 out{};
  store_be(out.data() + 4, counter);
  return out;
}

void seal_into(const Key32& key, const Nonce12& nonce, Bytes ad, Bytes plain, MutableBytes sealed) {
  AYA_CHECK(sealed.size() == plain.size() + kTagSize);
  crypto_aead_chacha20poly1305_ietf_encrypt(
      uchars(sealed), nullptr, uchars(plain), plain.size(), uchars(ad), ad.size(), nullptr,
      uchars(Bytes(nonce)), uchars(Bytes(key.bytes())));
}

bool open_into(const Key32& key, const Nonce12& nonce, Bytes ad, Bytes sealed, MutableBytes plain) {
  if (sealed.size() < kTagSize) return false;
  AYA_CHECK(plain.size() == sealed.size() - kTagSize);
  return crypto_aead_chacha20poly1305_ietf_decrypt(
             uchars(plain), nullptr, nullptr, uchars(sealed), sealed.size(), uchars(ad), ad.size(),
             uchars(Bytes(nonce)), uchars(Bytes(key.bytes()))) == 0;
}

void seal(const Key32& key, const Nonce12& nonce, Bytes ad, Bytes plain, Buffer& out) {
  const std::size_t start = out.size();
  out.resize(start + plain.size() + kTagSize);
  seal_into(key, nonce, ad, plain, MutableBytes(out).subspan(start));
}

bool open(const Key32& key, const Nonce12& nonce, Bytes ad, Bytes sealed, Buffer& out) {
  if (sealed.size() < kTagSize) return false;
  const std::size_t start = out.size();
  out.resize(start + sealed.size() - kTagSize);
  if (open_into(key, nonce, ad, sealed, MutableBytes(out).subspan(start))) return true;
  out.resize(start);
  return false;
}

void xseal_into(
    const Key32& key, std::span<const std::byte, 24> nonce, Bytes ad, Bytes plain,
    MutableBytes sealed) {
  AYA_CHECK(sealed.size() == plain.size() + kTagSize);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      uchars(sealed), nullptr, uchars(plain), plain.size(), uchars(ad), ad.size(), nullptr,
      uchars(Bytes(nonce)), uchars(Bytes(key.bytes())));
}

bool xopen_into(
    const Key32& key, std::span<const std::byte, 24> nonce, Bytes ad, Bytes sealed,
    MutableBytes plain) {
  if (sealed.size() < kTagSize) return false;
  AYA_CHECK(plain.size() == sealed.size() - kTagSize);
  return crypto_aead_xchacha20poly1305_ietf_decrypt(
             uchars(plain), nullptr, nullptr, uchars(sealed), sealed.size(), uchars(ad), ad.size(),
             uchars(Bytes(nonce)), uchars(Bytes(key.bytes()))) == 0;
}

}  // namespace aya::crypto
