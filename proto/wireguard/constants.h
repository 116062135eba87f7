// WireGuard's numbers (dataplane 1.4), under the names of its paper.
#pragma once

#include "proto/base/time.h"

namespace aya::wireguard {

inline constexpr std::uint64_t kRekeyAfterMessages = std::uint64_t{1} << 60;
inline constexpr std::uint64_t kRejectAfterMessages = ~std::uint64_t{0} - (1 << 13);

inline constexpr Duration kRekeyAfterTime = 120s;   // the initiator renews when it sends
inline constexpr Duration kRejectAfterTime = 180s;  // a key neither seals nor opens any more
inline constexpr Duration kRekeyTimeout = 5s;       // between two initiations of ours
inline constexpr Duration kMaxJitter = 333ms;
inline constexpr Duration kRekeyAttemptTime = 90s;
inline constexpr Duration kKeepaliveTimeout = 10s;
// Sent, and heard nothing authentic for this long: the session is assumed dead.
inline constexpr Duration kNewHandshakeTimeout = kKeepaliveTimeout + kRekeyTimeout;
// The initiator renews when it receives, early enough to keep a one-way stream going.
inline constexpr Duration kRekeyAfterTimeReceiving =
    kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout;
inline constexpr Duration kWipeAfter = 3 * kRejectAfterTime;

inline constexpr Duration kCookieSecretLife = 120s;
inline constexpr Duration kCookieUse = 115s;  // five seconds short, for clocks and networks
inline constexpr Duration kInitiationInterval = 20ms;  // per peer, as the responder
inline constexpr Duration kUnderLoadFor = 1s;          // after the last sign of it

}  // namespace aya::wireguard
