// The figures of nat-traversal 4.1. Those that deployed nodes share are theirs and must not drift;
// those marked "ours" only shape what we send.
#pragma once

#include "proto/base/time.h"

namespace aya::path {

inline constexpr Duration kHeartbeat = 3s;           // ping on the chosen path while active
inline constexpr Duration kSessionActiveFor = 45s;   // after the last outgoing packet
inline constexpr Duration kTrustDirectFor = 6500ms;  // after the last pong: two heartbeats, slack
inline constexpr Duration kPingTimeout = 5s;
inline constexpr Duration kDiscoveryInterval = 5s;     // between discovery pings to one candidate
inline constexpr Duration kGoodEnoughLatency = 5ms;    // do not look for better below this
inline constexpr Duration kUpgradeInterval = 1min;     // full ping although a direct path works
inline constexpr Duration kEndpointsFreshFor = 27s;    // of our own, before a CallMeMaybe
inline constexpr Duration kLearnedCandidateFor = 45s;  // after the last ping from it
inline constexpr std::size_t kCandidateSoftCap = 100;
inline constexpr std::size_t kMaxCallMeMaybeSent = 64;       // ours
inline constexpr std::size_t kMaxCallMeMaybeAccepted = 512;  // ours
inline constexpr unsigned kAnnouncementCapability = 144;     // TSMP disco key, nat-traversal 2.3

// Peers that speak plain WireGuard (4.12).
inline constexpr Duration kPlainChoiceFor = 1s;      // an endpoint that was chosen
inline constexpr Duration kPlainHeardFor = 5s;       // one that a packet came from
inline constexpr Duration kPlainEchoInterval = 10s;  // between questions how far endpoints are
inline constexpr Duration kPlainEchoTimeout = 5s;

// Ours: politeness and speed.
inline constexpr Duration kCallMeMaybeReaction = 500ms;   // at most one reaction per peer
inline constexpr Duration kTriggeredCheck = 250ms;        // at most one per address
inline constexpr Duration kLostPongAfterAtLeast = 400ms;  // or three times the usual latency
inline constexpr unsigned kFailedRoundsBeforePause = 6;   // a pinned bad NAT mapping must expire
inline constexpr Duration kFailedPause = 65s;
inline constexpr std::uint32_t kPongsPerSecond = 50;  // per peer
inline constexpr std::uint32_t kPongBurst = 200;

// Safe size of a datagram on the wire where nothing larger was proven: tunnel MTU 1280 plus 80.
inline constexpr std::uint16_t kSafeWireMtu = 1360;

}  // namespace aya::path
