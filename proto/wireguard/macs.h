// mac1, mac2 and cookies (dataplane 1.8): how a peer shows it knows our public key, and, when we
// are busy, that it really is at its address.
#pragma once

#include <optional>

#include "proto/wireguard/messages.h"

namespace aya::wireguard {

using Cookie = std::array<std::byte, 16>;

// The two keys that follow from a recipient's public key; worth keeping.
struct MacKeys {
  crypto::Hash32 mac1;    // HASH("mac1----" || public)
  crypto::Hash32 cookie;  // HASH("cookie--" || public)
};
MacKeys mac_keys_of(const NodePublicKey& recipient);

// `message`: a whole handshake message, whose last 32 bytes are its MACs.
Mac mac1_of(const MacKeys& recipient, Bytes message);
Mac mac2_of(const Cookie& cookie, Bytes message);
bool mac1_is_good(const MacKeys& own, Bytes message);
bool mac2_is_good(const Cookie& expected, Bytes message);

// Fills both MACs; without a cookie mac2 is zero.
void put_macs(const MacKeys& recipient, const std::optional<Cookie>& cookie, MutableBytes message);

// The cookie of one source: address bytes, then its port, little-endian.
Cookie cookie_for(const crypto::Key32& secret, Bytes source);

CookieReply seal_cookie(
    const MacKeys& own, std::uint32_t receiver, std::span<const std::byte, 24> nonce,
    const Cookie& cookie, const Mac& offending_mac1);
std::optional<Cookie> open_cookie(
    const MacKeys& sender, const CookieReply& reply, const Mac& last_mac1);

}  // namespace aya::wireguard
