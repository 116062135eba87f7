#include "daemon/dns/tcp_door.h"

#include <algorithm>
#include <array>

#include "daemon/dns/dns_message.h"
#include "proto/base/endian.h"
#include "proto/packet/checksum.h"

namespace aya::dns {
namespace {

constexpr std::size_t kSmallestTcpHeader = 20;
constexpr std::size_t kSourcePort = 0, kDestinationPort = 2, kChecksum = 16;

void swap_addresses(MutableBytes packet, unsigned version) {
  const std::size_t source = version == 4 ? 12 : 8, size = version == 4 ? 4 : 16;
  std::swap_ranges(
      packet.begin() + static_cast<std::ptrdiff_t>(source),
      packet.begin() + static_cast<std::ptrdiff_t>(source + size),
      packet.begin() + static_cast<std::ptrdiff_t>(source + size));
}

void change_port(MutableBytes tcp, std::size_t offset, std::uint16_t port) {
  std::array<std::byte, 2> after;
  store_be(after.data(), port);
  const MutableBytes before = tcp.subspan(offset, after.size());
  std::byte* checksum = tcp.data() + kChecksum;
  store_be(checksum, checksum_after_change(load_be<std::uint16_t>(checksum), before, after));
  copy_bytes(before, after);
}

}  // namespace

bool TcpDoor::pass(MutableBytes packet, const filter::PacketView& view) const {
  if (view.protocol != filter::kTcp || view.transport.size() < kSmallestTcpHeader) return false;
  const auto listener = std::ranges::find_if(
      listeners_, [&](const Endpoint& at) { return at.address == view.source.address; });
  if (listener == listeners_.end()) return false;
  const MutableBytes tcp =
      packet.subspan(static_cast<std::size_t>(view.transport.data() - view.packet.data()));
  if (view.source.port == listener->port) {
    change_port(tcp, kSourcePort, kDnsPort);
  } else if (view.destination.port == kDnsPort) {
    change_port(tcp, kDestinationPort, listener->port);
  } else {
    return false;
  }
  swap_addresses(packet, view.version);
  return true;
}

}  // namespace aya::dns
