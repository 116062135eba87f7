#include "proto/crypto/nacl_box.h"

#include <sodium.h>

namespace aya::crypto {

std::optional<Key32> box_shared_key(
    const Key32& private_key, std::span<const std::byte, 32> public_key) {
  Key32 out;
  const int failed = crypto_box_beforenm(
      uchars(MutableBytes(out.mutable_bytes())), uchars(Bytes(public_key)),
      uchars(Bytes(private_key.bytes())));
  if (failed != 0) return std::nullopt;
  return out;
}

void seal_box(const Key32& shared, const BoxNonce& nonce, Bytes plain, Buffer& out) {
  const std::size_t start = out.size();
  out.resize(start + kBoxTagSize + plain.size());
  crypto_box_easy_afternm(
      uchars(MutableBytes(out).subspan(start)), uchars(plain), plain.size(), uchars(Bytes(nonce)),
      uchars(Bytes(shared.bytes())));
}

std::optional<Buffer> open_box(const Key32& shared, const BoxNonce& nonce, Bytes sealed) {
  if (sealed.size() < kBoxTagSize) return std::nullopt;
  Buffer plain(sealed.size() - kBoxTagSize);
  const int failed = crypto_box_open_easy_afternm(
      uchars(MutableBytes(plain)), uchars(sealed), sealed.size(), uchars(Bytes(nonce)),
      uchars(Bytes(shared.bytes())));
  if (failed != 0) return std::nullopt;
  return plain;
}

}  // namespace aya::crypto
