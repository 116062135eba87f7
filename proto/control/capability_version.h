// Capability versions: one number per client release, which tells the other side what may be sent
// to it (control 8.1). It stands in the Noise prologue, in /key?v=N and in every request body.
#pragma once

namespace aya::control {

// What we send. 116 promises the basics of its time; more may be claimed only when it is kept:
// 121 peer-relay messages, 126 seamless key renewal. Servers in use refuse less than 113.
inline constexpr int kOurCapabilityVersion = 116;

// What our server accepts: release 1.74. Below it, requests are refused with a readable text.
inline constexpr int kOldestAcceptedVersion = 106;

// The first version that understands or does something (control 8.1), for what is written to it.
namespace since {
inline constexpr int kEarlyPayload = 49;
inline constexpr int kReadOnlyStreams = 68;  // a streaming poll carries no update of its own
inline constexpr int kV6Masquerade = 104;
inline constexpr int kCapabilitySources = 109;  // "cap:" sources in filter rules
inline constexpr int kHomeDerp = 111;           // before: the legacy DERP string as well
inline constexpr int kImpliedAllowedIps = 112;  // absent AllowedIPs means Addresses
inline constexpr int kNoMeasureNoHome = 115;
inline constexpr int kDisplayMessages = 117;  // before: Health texts
inline constexpr int kRetryAfter = 137;       // obeys 429 on register
}  // namespace since

}  // namespace aya::control
