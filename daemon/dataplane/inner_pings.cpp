#include "daemon/dataplane/inner_pings.h"

#include <algorithm>

#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/packet/ip_writer.h"

namespace aya::dataplane {
namespace {

constexpr std::byte kTsmpPing{'p'}, kTsmpPong{'o'};
constexpr std::size_t kTsmpPingSize = 1 + 8, kTsmpPongSize = kTsmpPingSize + 2;
// Type, code, checksum, identifier and sequence; then our number, which makes it ours.
constexpr std::size_t kEchoHeader = 8, kEchoSize = kEchoHeader + 8;
constexpr std::uint8_t kEchoRequest4 = 8, kEchoRequest6 = 128;
constexpr std::size_t kEchoChecksumAt = 2;

std::uint64_t number_at(Bytes bytes, std::size_t offset) {
  return load_be<std::uint64_t>(bytes.data() + offset);
}

bool is_tsmp(const filter::PacketView& packet, std::byte type, std::size_t size) {
  return packet.protocol == filter::kTsmp && packet.transport.size() >= size &&
         packet.transport[0] == type;
}

}  // namespace

Packet InnerPings::ask(
    path::PingId id, PeerId peer, InnerPing kind, const IpAddress& from, const IpAddress& to,
    TimePoint now) {
  AYA_CHECK(from.is_v4() == to.is_v4());
  if (asked_.size() >= kAtOnce) asked_.erase(asked_.begin());
  Asked& asked = asked_.emplace_back(
      Asked{id, peer, kind, load_be<std::uint64_t>(rng_.array<8>().data()), now});
  if (kind == InnerPing::Tsmp) {
    IpWriter out(pool_, from, to, filter::kTsmp, kTsmpPingSize);
    out.transport()[0] = kTsmpPing;
    store_be(out.transport().data() + 1, asked.number);
    return out.seal();
  }
  IpWriter out(pool_, from, to, from.is_v4() ? filter::kIcmp4 : filter::kIcmp6, kEchoSize);
  out.transport()[0] = std::byte{from.is_v4() ? kEchoRequest4 : kEchoRequest6};
  store_be(out.transport().data() + 4, static_cast<std::uint32_t>(asked.number));
  store_be(out.transport().data() + kEchoHeader, asked.number);
  return out.seal(kEchoChecksumAt);
}

std::optional<InnerPingDone> InnerPings::take(
    PeerId peer, const filter::PacketView& packet, TimePoint now) {
  if (asked_.empty()) return std::nullopt;
  const bool pong = is_tsmp(packet, kTsmpPong, kTsmpPongSize);
  const bool echo = packet.is_echo_reply() && packet.transport.size() == kEchoSize;
  if (!pong && !echo) return std::nullopt;
  const InnerPing kind = pong ? InnerPing::Tsmp : InnerPing::Icmp;
  const std::uint64_t number = number_at(packet.transport, pong ? 1 : kEchoHeader);
  const auto asked = std::ranges::find_if(asked_, [&](const Asked& one) {
    return one.peer == peer && one.kind == kind && one.number == number;
  });
  if (asked == asked_.end()) return std::nullopt;
  InnerPingDone done{asked->id, peer, now - asked->at, 0};
  if (pong) done.peer_api_port = load_be<std::uint16_t>(packet.transport.data() + kTsmpPingSize);
  asked_.erase(asked);
  return done;
}

std::optional<Packet> InnerPings::answer(
    const filter::PacketView& packet, std::uint16_t peer_api_port) {
  if (!is_tsmp(packet, kTsmpPing, kTsmpPingSize)) return std::nullopt;
  IpWriter out(
      pool_, packet.destination.address, packet.source.address, filter::kTsmp, kTsmpPongSize);
  out.transport()[0] = kTsmpPong;
  copy_bytes(out.transport().subspan(1), packet.transport.subspan(1, 8));
  store_be(out.transport().data() + kTsmpPingSize, peer_api_port);
  return out.seal();
}

void InnerPings::give_up(TimePoint now, std::vector<InnerPingDone>& out) {
  std::erase_if(asked_, [&](const Asked& one) {
    if (now - one.at < kPatience) return false;
    out.push_back({one.id, one.peer, std::nullopt, 0});
    return true;
  });
}

std::optional<TimePoint> InnerPings::next_deadline() const {
  return asked_.empty() ? std::nullopt : std::optional(asked_.front().at + kPatience);
}

}  // namespace aya::dataplane
