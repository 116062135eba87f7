// Packets at a site router: whatever a peer or the host sends, what comes out is an IP packet of
// the other family with right checksums in its header, inside its slab.
#include "daemon/sites/site_gateway.h"
#include "proto/base/check.h"
#include "proto/packet/checksum.h"
#include "proto/packet/packet_pool.h"

namespace {

using namespace aya;

const IpAddress kPeer4 = IpAddress::v4(0x64400007);
constexpr std::uint8_t kMachine[] = {0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0, 0x0b, 0x1a,
                                     0,    0,    0,    7,    192,  168,  1,    5};

void expect_ipv4(Bytes packet) {
  AYA_CHECK(packet.size() >= 20 && static_cast<unsigned>(packet[0]) == 0x45);
  AYA_CHECK(ChecksumSum().add(packet.first(20)).finish() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static PacketPool pool;
  sites::SiteGateway gateway(1280);
  const Prefix route = *Prefix::parse("fd7a:115c:a1e0:b1a:0:7:c0a8:100/120");
  gateway.set_routes({&route, 1});
  const Bytes raw = std::as_bytes(std::span(data, std::min(size, pool.max_data())));

  // From the peer: what is addressed to a machine that we serve.
  Packet inward = pool.copy_of(raw);
  if (raw.size() >= 40)
    copy_bytes(inward.mutable_bytes().subspan(24), std::as_bytes(std::span(kMachine)));
  auto view = filter::PacketView::parse(inward.bytes());
  if (view.version == 6 && view.protocol != filter::kUnknownProtocol &&
      gateway.to_site(inward, view, &kPeer4)) {
    expect_ipv4(inward.bytes());
    // Its answer finds the way back: the same packet with its ends exchanged.
    view = filter::PacketView::parse(inward.bytes());
    Packet answer = pool.copy_of(inward.bytes());
    const MutableBytes bytes = answer.mutable_bytes();
    std::swap_ranges(bytes.begin() + 12, bytes.begin() + 16, bytes.begin() + 16);
    if (view.protocol == filter::kUdp || view.protocol == filter::kTcp) {
      std::swap_ranges(bytes.begin() + 20, bytes.begin() + 22, bytes.begin() + 22);
      view = filter::PacketView::parse(answer.bytes());
      AYA_CHECK(gateway.from_site(answer, view) == sites::SiteGateway::Answer::Translated);
      AYA_CHECK(static_cast<unsigned>(answer.bytes()[0]) >> 4 == 6);
    }
  }
  // From the host: anything.
  Packet outward = pool.copy_of(raw);
  view = filter::PacketView::parse(outward.bytes());
  if (view.protocol != filter::kUnknownProtocol) gateway.from_site(outward, view);
  return 0;
}
