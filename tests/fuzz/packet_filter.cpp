// Packets from peers: whatever the bytes, the view stays inside them, and a filter without rules
// lets nothing open a connection.
#include <algorithm>

#include "daemon/filter/filter.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  const Bytes raw = std::as_bytes(std::span(data, size));
  static const Prefix everything[] = {
      {IpAddress(), 0}, {IpAddress::v6(std::array<std::byte, 16>{}), 0}};
  filter::Filter filter;
  filter.set_local(everything);
  const auto view = filter::PacketView::parse(raw);
  if (!view.transport.empty()) {
    AYA_CHECK(view.transport.data() >= raw.data());
    AYA_CHECK(view.transport.data() + view.transport.size() <= raw.data() + raw.size());
  }
  const auto verdict = filter.in(view);
  AYA_CHECK(!(verdict.accept && view.is_tcp_syn()));
  AYA_CHECK(!(verdict.accept && view.protocol == filter::kUnknownProtocol && size > 0));
  if (filter.out(view).accept && view.protocol == filter::kUdp) {
    // What we send opens the way for its reply.
    filter::PacketView reply = view;
    std::swap(reply.source, reply.destination);
    const auto answer = filter.in(reply).reason;
    AYA_CHECK(
        answer == filter::Reason::KnownFlow || answer == filter::Reason::Multicast ||
        answer == filter::Reason::LinkLocal);
  }
  return 0;
}
