#include "proto/wireguard/messages.h"

#include <algorithm>

namespace aya::wireguard {
namespace {

constexpr std::size_t kPaddingMultiple = 16;
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kIpv6HeaderSize = 40;

std::uint32_t first_word(Bytes datagram) { return load_le<std::uint32_t>(datagram.data()); }

std::size_t round_up(std::size_t size) {
  return (size + kPaddingMultiple - 1) / kPaddingMultiple * kPaddingMultiple;
}

}  // namespace

bool has_wireguard_type(Bytes datagram) {
  return datagram.size() >= 4 && first_word(datagram) >= 1 && first_word(datagram) <= 4;
}

std::optional<MessageType> message_type(Bytes datagram) {
  if (!has_wireguard_type(datagram)) return std::nullopt;
  const auto type = static_cast<MessageType>(first_word(datagram));
  const std::size_t size = datagram.size();
  const bool fits = type == MessageType::Initiation    ? size == sizeof(HandshakeInitiation)
                    : type == MessageType::Response    ? size == sizeof(HandshakeResponse)
                    : type == MessageType::CookieReply ? size == sizeof(CookieReply)
                                                       : size >= kMinTransportSize;
  return fits ? std::optional(type) : std::nullopt;
}

std::size_t padding_for(std::size_t size, std::size_t mtu) {
  if (mtu == 0) return round_up(size) - size;
  // Larger than the MTU happens while the MTU is being lowered: the last unit counts.
  const std::size_t last_unit = size > mtu ? size % mtu : size;
  return std::min(round_up(last_unit), mtu) - last_unit;
}

std::optional<Bytes> without_padding(Bytes plain) {
  if (plain.empty()) return std::nullopt;
  const unsigned version = static_cast<unsigned>(plain[0]) >> 4;
  std::size_t length = 0;
  if (version == 4 && plain.size() >= kIpv4HeaderSize) {
    length = load_be<std::uint16_t>(plain.data() + 2);
    if (length < kIpv4HeaderSize) return std::nullopt;
  } else if (version == 6 && plain.size() >= kIpv6HeaderSize) {
    length = load_be<std::uint16_t>(plain.data() + 4) + kIpv6HeaderSize;
  } else {
    return std::nullopt;
  }
  if (length > plain.size()) return std::nullopt;
  return plain.first(length);
}

noise::Timestamp timestamp_of(WallTime time) {
  constexpr std::uint64_t kTai64Base = 0x400000000000000aU;
  const auto since_epoch = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto nanoseconds = static_cast<std::uint32_t>((since_epoch - seconds).count());
  constexpr auto kStepMask = static_cast<std::uint32_t>(kTimestampStep.count() - 1);
  noise::Timestamp out;
  store_be(out.data(), kTai64Base + static_cast<std::uint64_t>(seconds.count()));
  store_be(out.data() + 8, nanoseconds & ~kStepMask);
  return out;
}

}  // namespace aya::wireguard
