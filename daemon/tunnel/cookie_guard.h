// The door in front of the expensive part of a handshake (dataplane 1.8). A message that shows it
// knows our public key passes while there is little to do. Under load its sender must also show,
// by echoing a cookie, that it receives at the address it claims; then that address gets a share.
#pragma once

#include <unordered_map>

#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/packet/path_address.h"
#include "proto/wireguard/macs.h"

namespace aya::tunnel {

// What stands for a sender in cookies and in rate limits. A relay hides addresses, so there it is
// the sender's key as the relay authenticated it.
struct SourceId {
  PathAddress from;
  NodePublicKey relay_sender;
};

enum class Admission { Granted, NeedsCookie, RateLimited, Overloaded };

class CookieGuard {
 public:
  explicit CookieGuard(Rng& rng) : rng_(rng) {}  // rng outlives the guard

  // `message`: a handshake message with a good mac1.
  Admission admit(Bytes message, const SourceId& source, TimePoint now);

  // The answer to NeedsCookie. `own`: the keys that follow from our public key.
  wireguard::CookieReply reply(
      const wireguard::MacKeys& own, std::uint32_t receiver, const wireguard::Mac& offending_mac1,
      const SourceId& source, TimePoint now);

  bool under_load(TimePoint now) const { return now < loaded_until_; }

 private:
  // Handshakes are not queued here but done when they come; the backlog is what a worker that does
  // kPerSecond of them would have before it.
  static constexpr double kPerSecond = 2000;
  static constexpr double kBacklogLimit = 4096;
  static constexpr double kLoadedAbove = kBacklogLimit / 8;
  static constexpr double kPerSourcePerSecond = 20;
  static constexpr double kPerSourceBurst = 5;
  static constexpr std::size_t kMaxSources = 8192;

  struct Bucket {
    double tokens;
    TimePoint filled;
  };

  bool enqueue(TimePoint now);
  bool take_token(const SourceId& source, TimePoint now);
  void forget_idle_sources(TimePoint now);
  wireguard::Cookie cookie_of(const SourceId& source, TimePoint now);

  Rng& rng_;
  double backlog_ = 0;
  TimePoint backlog_at_{};
  TimePoint loaded_until_{};
  crypto::Key32 secret_;
  std::optional<TimePoint> secret_until_;
  std::unordered_map<std::size_t, Bucket> buckets_;
};

}  // namespace aya::tunnel
