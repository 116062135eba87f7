// DISCO: the datagrams by which two nodes find a direct path to each other (nat-traversal 2).
//
// The room knows what the bytes mean: the sealed envelope (here), the nine messages (messages.h)
// and the Geneve header that may stand in front of both (geneve.h). What to do about a message is
// daemon/path's business.
//
//   magic (6) | sender disco key (32, clear) | nonce (24) | tag (16) | sealed payload
//
// Replay protection is the pinger's table of transaction ids; the envelope has none. Pure, any
// thread.
#pragma once

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/base/rng.h"
#include "proto/crypto/nacl_box.h"
#include "proto/keys/public_key.h"

namespace aya::disco {

inline constexpr std::array<std::byte, 6> kMagic = {std::byte{0x54}, std::byte{0x53},
                                                    std::byte{0xf0}, std::byte{0x9f},
                                                    std::byte{0x92}, std::byte{0xac}};
inline constexpr std::size_t kHeaderSize =
    kMagic.size() + DiscoPublicKey::kSize + crypto::kBoxNonceSize;  // 62
// Envelope plus tag: what a sealed message adds to its payload.
inline constexpr std::size_t kOverhead = kHeaderSize + crypto::kBoxTagSize;  // 78

// Starts with the magic. The classifier demands magic and sender key (38 bytes) and no more.
bool starts_with_magic(Bytes datagram);

// The key the datagram claims to come from, before any cryptography, so that a stranger costs one
// table look-up. nullopt: not a DISCO datagram with a whole header.
std::optional<DiscoPublicKey> sender_of(Bytes datagram);

// Appends the sealed datagram to `out`. `shared` is crypto::box_shared_key(own private, peer
// public), which is worth caching per peer.
void seal(
    const DiscoPublicKey& sender, const crypto::Key32& shared, Bytes payload, Rng& rng,
    Buffer& out);

// The payload. BadMagic: not DISCO; BadSeal: damaged, or meant for another key (a peer restarted).
Result<Buffer, ParseError> open(const crypto::Key32& shared, Bytes datagram);

}  // namespace aya::disco
