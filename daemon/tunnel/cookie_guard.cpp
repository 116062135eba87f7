#include "daemon/tunnel/cookie_guard.h"

#include <algorithm>
#include <functional>

#include "proto/base/endian.h"
#include "proto/netaddr/prefix.h"
#include "proto/wireguard/constants.h"

namespace aya::tunnel {
namespace {

double seconds_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

// Whom a rate limit is for: one IPv4 address, or one IPv6 network, since anyone has a /64.
std::size_t limit_key(const SourceId& source) {
  if (source.from.is_relay()) return std::hash<NodePublicKey>{}(source.relay_sender);
  const IpAddress& address = source.from.udp.address;
  if (address.is_v4()) return std::hash<IpAddress>{}(address);
  return std::hash<Prefix>{}(Prefix{address, 64}.masked());
}

}  // namespace

Admission CookieGuard::admit(Bytes message, const SourceId& source, TimePoint now) {
  if (!enqueue(now)) return Admission::Overloaded;
  if (!under_load(now)) return Admission::Granted;
  if (!wireguard::mac2_is_good(cookie_of(source, now), message)) return Admission::NeedsCookie;
  return take_token(source, now) ? Admission::Granted : Admission::RateLimited;
}

bool CookieGuard::enqueue(TimePoint now) {
  if (now > backlog_at_) {
    backlog_ = std::max(0.0, backlog_ - kPerSecond * seconds_between(backlog_at_, now));
    backlog_at_ = now;
  }
  if (backlog_ > kLoadedAbove) loaded_until_ = now + wireguard::kUnderLoadFor;
  if (backlog_ + 1 > kBacklogLimit) return false;
  ++backlog_;
  return true;
}

bool CookieGuard::take_token(const SourceId& source, TimePoint now) {
  if (buckets_.size() >= kMaxSources) forget_idle_sources(now);
  const std::size_t key = limit_key(source);
  if (buckets_.size() >= kMaxSources && !buckets_.contains(key)) return false;
  Bucket& bucket = buckets_.try_emplace(key, Bucket{kPerSourceBurst, now}).first->second;
  const double grown = kPerSourcePerSecond * seconds_between(bucket.filled, now);
  bucket.tokens = std::min(kPerSourceBurst, bucket.tokens + grown);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  --bucket.tokens;
  return true;
}

void CookieGuard::forget_idle_sources(TimePoint now) {
  std::erase_if(buckets_, [now](const auto& entry) { return entry.second.filled + 1s < now; });
}

wireguard::Cookie CookieGuard::cookie_of(const SourceId& source, TimePoint now) {
  if (!secret_until_ || now >= *secret_until_) {
    rng_.fill(secret_.mutable_bytes());
    secret_until_ = now + wireguard::kCookieSecretLife;
  }
  if (source.from.is_relay()) {
    return wireguard::cookie_for(secret_, source.relay_sender.bytes());
  }
  const Endpoint& at = source.from.udp;
  std::array<std::byte, 16 + 2> bytes;
  const Bytes address = at.address.bytes();
  copy_bytes(bytes, address);
  store_le(bytes.data() + address.size(), at.port);
  return wireguard::cookie_for(secret_, Bytes(bytes).first(address.size() + 2));
}

wireguard::CookieReply CookieGuard::reply(
    const wireguard::MacKeys& own, std::uint32_t receiver, const wireguard::Mac& offending_mac1,
    const SourceId& source, TimePoint now) {
  return wireguard::seal_cookie(
      own, receiver, rng_.array<24>(), cookie_of(source, now), offending_mac1);
}

}  // namespace aya::tunnel
