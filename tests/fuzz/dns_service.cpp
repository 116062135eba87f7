// What reaches the service addresses and what servers send: packets led through the door keep their
// checksums, streams give the same messages in pieces as at once, and a forwarder that is told
// anything at all answers its asker exactly once.
#include "daemon/dns/message_stream.h"
#include "daemon/dns/service.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "tests/daemon/dns/dns_text.h"
#include "tests/support/seeded_rng.h"

namespace {

using namespace aya;

constexpr IpAddress kOwn = IpAddress::v4(0x64400001);

std::uint32_t sum_of(Bytes bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

// Of all that the TCP checksum covers; two sums are the same number if they differ by 0xffff.
std::uint32_t tcp_sum(const filter::PacketView& packet) {
  const std::uint32_t addresses =
      sum_of(packet.source.address.bytes(), sum_of(packet.destination.address.bytes(), 0));
  return sum_of(packet.transport, addresses) % 0xffff;
}

void check_door(Bytes input) {
  dns::TcpDoor door;
  door.set_listeners({{kOwn, 5353}});
  Buffer packet(input.begin(), input.end());
  // Let it come from us, and go to the port, often enough.
  if (packet.size() >= 40 && packet[0] == std::byte{0x45}) {
    copy_bytes(std::span(packet).subspan(12), kOwn.bytes());
    if (packet[1] == std::byte{1}) store_be<std::uint16_t>(packet.data() + 22, 53);
    if (packet[1] == std::byte{2}) store_be<std::uint16_t>(packet.data() + 20, 5353);
  }
  const auto view = filter::PacketView::parse(packet);
  const auto before = view.protocol == filter::kTcp ? tcp_sum(view) : 0;
  const Endpoint source = view.source, destination = view.destination;
  if (!door.pass(packet, view)) return;
  const auto after = filter::PacketView::parse(packet);
  AYA_CHECK(after.source.address == destination.address);
  AYA_CHECK(after.destination.address == source.address);
  AYA_CHECK(after.source.port == 53 || after.destination.port == 5353);
  AYA_CHECK(tcp_sum(after) == before);
}

void check_stream(Bytes input) {
  dns::MessageStream whole, pieces;
  whole.add(input);
  std::vector<Buffer> at_once, one_by_one;
  while (auto message = whole.take()) at_once.push_back(*std::move(message));
  for (const std::byte& one : input) {
    pieces.add({&one, 1});
    while (auto message = pieces.take()) one_by_one.push_back(*std::move(message));
  }
  AYA_CHECK(at_once == one_by_one);
  AYA_CHECK(whole.is_empty() == pieces.is_empty());
}

void check_forwarder(Bytes input) {
  test::SeededRng rng(1);
  dns::Forwarder forwarder(rng);
  const Endpoint server{IpAddress::v4(0xc0000201), 53};
  forwarder.configure(
      {.upstreams = {server, dns::Upstream("https://a.example/", {})}, .routes = {}});
  dns::Forwarder::Effects out;
  TimePoint now{};
  forwarder.query(1, test::dns_query(7, "a.example.", 1, 4096), false, now, out);
  // Each byte is a step: time passes, or a server says the rest of the input, or our question with
  // some of it.
  for (std::size_t i = 0; i < std::min<std::size_t>(input.size(), 64); ++i) {
    const auto step = static_cast<unsigned>(input[i]);
    if (out.to_servers.empty()) break;
    const auto& sent = out.to_servers[step / 8 % out.to_servers.size()];
    Buffer response = test::dns_response(sent.query, static_cast<std::uint8_t>(step >> 4));
    if ((step & 4) != 0) append(response, input.subspan(i));
    if ((step & 8) != 0) response[2] |= std::byte{2};
    const dns::Forwarder::Ticket ticket = sent.ticket;
    switch (step % 4) {
      case 0:
        forwarder.on_response(server, response, now, out);
        break;
      case 1:
        forwarder.on_stream_response(ticket, (step & 64) != 0 ? input : Bytes(response), now, out);
        break;
      case 2:
        forwarder.on_stream_failure(ticket, now, out);
        break;
      default:
        forwarder.advance(now += 400ms, out);
        break;
    }
    AYA_CHECK(out.to_askers.size() <= 1);
  }
  forwarder.advance(now + 10s, out);
  AYA_CHECK(out.to_askers.size() == 1 && forwarder.in_flight() == 0);
  AYA_CHECK(dns::Header::parse(out.to_askers[0].response)->id == 7);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = std::as_bytes(std::span(data, size));
  check_door(input);
  check_stream(input);
  check_forwarder(input);
  return 0;
}
