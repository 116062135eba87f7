#include "proto/disco/envelope.h"

#include "proto/base/reader.h"

namespace aya::disco {

bool starts_with_magic(Bytes datagram) {
  return datagram.size() >= kMagic.size() && equal_bytes(datagram.first(kMagic.size()), kMagic);
}

std::optional<DiscoPublicKey> sender_of(Bytes datagram) {
  if (datagram.size() < kHeaderSize || !starts_with_magic(datagram)) return std::nullopt;
  return DiscoPublicKey(datagram.subspan<kMagic.size(), DiscoPublicKey::kSize>());
}

void seal(
    const DiscoPublicKey& sender, const crypto::Key32& shared, Bytes payload, Rng& rng,
    Buffer& out) {
  out.reserve(out.size() + kOverhead + payload.size());
  append(out, kMagic);
  append(out, sender.bytes());
  const auto nonce = rng.array<crypto::kBoxNonceSize>();
  append(out, nonce);
  crypto::seal_box(shared, nonce, payload, out);
}

Result<Buffer, ParseError> open(const crypto::Key32& shared, Bytes datagram) {
  if (!sender_of(datagram)) return ParseError::BadMagic;
  Reader in(datagram);
  in.skip(kMagic.size() + DiscoPublicKey::kSize);
  const auto nonce = in.array<crypto::kBoxNonceSize>();
  auto payload = crypto::open_box(shared, nonce, in.rest());
  if (!payload) return ParseError::BadSeal;
  return std::move(*payload);
}

}  // namespace aya::disco
