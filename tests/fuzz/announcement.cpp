// Packets from inside the tunnel that the node itself may be meant to read: an announced disco key,
// a ping, the answer to one of ours.
#include "daemon/dataplane/inner_pings.h"
#include "daemon/path/tsmp_announcement.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  const Bytes packet = std::as_bytes(std::span(data, size));
  const auto key = path::parse_announcement(packet);
  if (key) AYA_CHECK(!key->is_zero() && size >= 20 + 1 + key->kSize);

  static SystemRng rng;
  static PacketPool pool;
  dataplane::InnerPings pings(rng, pool);
  const auto view = filter::PacketView::parse(packet);
  if (const auto pong = pings.answer(view, 7)) {
    const auto answer = filter::PacketView::parse(pong->bytes());
    AYA_CHECK(
        answer.protocol == filter::kTsmp && answer.destination.address == view.source.address);
    AYA_CHECK(!pings.answer(answer, 7));  // or two nodes would never stop
  }
  const IpAddress us = IpAddress::v4(0x64400001), them = IpAddress::v4(0x64400002);
  for (const auto kind : {dataplane::InnerPing::Tsmp, dataplane::InnerPing::Icmp}) {
    (void)pings.ask(path::PingId{1}, PeerId{1}, kind, us, them, TimePoint{});
  }
  AYA_CHECK(!pings.take(PeerId{1}, view, TimePoint{}));  // nobody guesses 64 bits
  return 0;
}
