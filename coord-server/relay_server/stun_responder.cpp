#include "coord-server/relay_server/stun_responder.h"

#include <sodium.h>

#include "proto/base/endian.h"
#include "proto/stun/binding.h"

namespace aya::relay_server {
namespace {

constexpr std::size_t kBuckets = 8192;
constexpr std::size_t kV6SourceBytes = 7;  // a /56, what one customer of a provider has

// The part of an address that one rate is for.
Bytes source_of(const IpAddress& address) {
  return address.is_v4() ? address.bytes() : address.bytes().first(kV6SourceBytes);
}

}  // namespace

StunResponder::StunResponder(Rng& rng) : hash_key_(rng.array<16>()), buckets_(kBuckets) {}

bool StunResponder::answer(Bytes datagram, const Endpoint& from, TimePoint now, Buffer& reply) {
  const auto tx_id = stun::parse_request(datagram);
  if (!tx_id) {
    ++counters_.refused;
    return false;
  }
  if (!bucket_of(from.address).take(kRate, 1, now)) {
    ++counters_.limited;
    return false;
  }
  reply.clear();
  stun::write_response(*tx_id, from, reply);
  ++counters_.answered;
  return true;
}

TokenBucket& StunResponder::bucket_of(const IpAddress& source) {
  static_assert(sizeof hash_key_ == crypto_shorthash_KEYBYTES);
  std::array<std::byte, crypto_shorthash_BYTES> hash;
  const Bytes hashed = source_of(source);
  crypto_shorthash(
      uchars(MutableBytes(hash)), uchars(hashed), hashed.size(), uchars(Bytes(hash_key_)));
  return buckets_[load_le<std::uint64_t>(hash.data()) % buckets_.size()];
}

}  // namespace aya::relay_server
