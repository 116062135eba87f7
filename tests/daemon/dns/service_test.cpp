#include "daemon/dns/service.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/dns/ip_reply.h"
#include "proto/base/endian.h"
#include "tests/daemon/dns/dns_text.h"
#include "tests/support/seeded_rng.h"

namespace aya::dns {
namespace {

using filter::PacketView;
using test::dns_query;

// Zero over a whole header or pseudo header and payload means that its checksum is right.
std::uint32_t sum_of(Bytes bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += static_cast<std::uint32_t>(bytes[i + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

void expect_checksums(const PacketView& packet) {
  if (packet.version == 4) {
    EXPECT_EQ(sum_of(packet.packet.first(20)), 0xffffu);
  }
  std::uint32_t pseudo = 0;
  if (packet.protocol != filter::kIcmp4) {
    pseudo = sum_of(packet.source.address.bytes(), sum_of(packet.destination.address.bytes()));
    pseudo += packet.protocol + static_cast<std::uint32_t>(packet.transport.size());
  }
  EXPECT_EQ(sum_of(packet.transport, pseudo), 0xffffu);
}

class ServiceTest : public testing::TestWithParam<const char*> {
 protected:
  ServiceTest() {
    service.configure(
        {.hosts = {{"alpha.tail.example.", {IpAddress::v4(0x64400002)}}},
         .local_domains = {"tail.example."},
         .subdomain_hosts = {}},
        {.upstreams = {upstream}, .routes = {}});
  }

  Endpoint host() const { return {IpAddress::parse(GetParam()).value(), 40000}; }
  Endpoint resolver_at(std::uint16_t port) const {
    return {host().address.is_v4() ? kServiceAddress4 : service_address_6(), port};
  }
  void send(Bytes packet) { service.on_packet(PacketView::parse(packet), wall, now, out); }
  void send_udp(std::uint16_t port, Bytes payload) {
    send(udp_packet(pool, host(), resolver_at(port), payload)->bytes());
  }
  PacketView reply() const {
    EXPECT_EQ(out.to_host.size(), 1u);
    const PacketView view = PacketView::parse(out.to_host.at(0).bytes());
    expect_checksums(view);
    EXPECT_EQ(view.destination.address, host().address);
    EXPECT_EQ(view.source.address, resolver_at(0).address);
    return view;
  }

  const Endpoint upstream{IpAddress::v4(0xc0000201), 53};
  test::SeededRng rng;
  PacketPool pool;
  Service service{rng, pool};
  Service::Effects out;
  WallTime wall{};
  TimePoint now{};
};

TEST_P(ServiceTest, AnswersANameOfTheMesh) {
  send_udp(53, dns_query(5, "alpha.tail.example.", 1));
  const PacketView packet = reply();
  EXPECT_EQ(packet.source.port, 53);
  EXPECT_EQ(packet.destination.port, 40000);
  const auto parsed = parse_response(packet.transport.subspan(8));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.id, 5);
  EXPECT_EQ(parsed->header.answers, 1);
}

TEST_P(ServiceTest, ForwardsOtherNamesAndAnswersLater) {
  send_udp(53, dns_query(6, "www.example.", 1));
  EXPECT_TRUE(out.to_host.empty());
  ASSERT_EQ(out.to_servers.size(), 1u);
  EXPECT_EQ(out.to_servers[0].to, upstream);
  service.on_response(upstream, test::dns_response(out.to_servers[0].query, 0), now, out);
  EXPECT_EQ(parse_response(reply().transport.subspan(8))->header.id, 6);
}

TEST_P(ServiceTest, AnswersAQueryThatIsNone) {
  send_udp(53, as_bytes("?"));
  EXPECT_EQ(Header::parse(reply().transport.subspan(8))->rcode(), Rcode::FormErr);
}

TEST_P(ServiceTest, DropsOtherPorts) {
  send_udp(54, dns_query(5, "alpha.tail.example.", 1));
  EXPECT_TRUE(out.to_host.empty());
  EXPECT_TRUE(out.to_servers.empty());
}

TEST_P(ServiceTest, CanBePinged) {
  const std::uint8_t protocol = host().address.is_v4() ? filter::kIcmp4 : filter::kIcmp6;
  Packet request = *udp_packet(pool, host(), resolver_at(0), as_bytes("payload"));
  MutableBytes raw = request.mutable_bytes();
  const std::size_t header = host().address.is_v4() ? 20 : 40;
  raw[host().address.is_v4() ? 9 : 6] = std::byte{protocol};
  raw[header] = host().address.is_v4() ? std::byte{8} : std::byte{128};
  raw[header + 1] = std::byte{0};
  send(request.bytes());
  const PacketView packet = reply();
  EXPECT_TRUE(packet.is_echo_reply());
  EXPECT_EQ(as_text(packet.transport.subspan(8)), "payload");
}

TEST_P(ServiceTest, ResetsTcpAtOnce) {
  Packet syn = *udp_packet(pool, host(), resolver_at(53), Buffer(12));
  MutableBytes raw = syn.mutable_bytes();
  const std::size_t header = host().address.is_v4() ? 20 : 40;
  raw[host().address.is_v4() ? 9 : 6] = std::byte{filter::kTcp};
  store_be<std::uint32_t>(raw.data() + header + 4, 1000);
  raw[header + 12] = std::byte{0x50};
  raw[header + 13] = std::byte{0x02};
  send(syn.bytes());
  const PacketView packet = reply();
  EXPECT_EQ(packet.protocol, filter::kTcp);
  EXPECT_EQ(packet.tcp_flags, 0x14);
  EXPECT_EQ(load_be<std::uint32_t>(packet.transport.data() + 8), 1001u);
  EXPECT_EQ(packet.destination.port, 40000);

  out.clear();
  const Buffer reset(packet.packet.begin(), packet.packet.end());
  send(reset);  // a reset is never answered
  EXPECT_TRUE(out.to_host.empty());
}

// A TCP segment with its checksum, made of a UDP packet of the right size.
Packet tcp_segment(PacketPool& pool, const Endpoint& from, const Endpoint& to, Bytes payload) {
  Buffer rest(12);
  rest[4] = std::byte{0x50};
  rest[5] = std::byte{0x18};
  append(rest, payload);
  Packet packet = *udp_packet(pool, from, to, rest);
  MutableBytes raw = packet.mutable_bytes();
  const bool v4 = from.address.is_v4();
  const std::size_t header = v4 ? 20 : 40;
  raw[v4 ? 9 : 6] = std::byte{filter::kTcp};
  if (v4) {
    store_be<std::uint16_t>(raw.data() + 10, 0);
    store_be(raw.data() + 10, static_cast<std::uint16_t>(~sum_of(raw.first(20))));
  }
  std::ranges::fill(raw.subspan(header + 4, 8), std::byte{0x5a});  // sequence numbers
  const Bytes tcp = raw.subspan(header);
  std::uint32_t pseudo = sum_of(from.address.bytes(), sum_of(to.address.bytes()));
  pseudo += filter::kTcp + static_cast<std::uint32_t>(tcp.size());
  store_be(raw.data() + header + 16, static_cast<std::uint16_t>(~sum_of(tcp, pseudo)));
  return packet;
}

TEST_P(ServiceTest, LeadsTcpToItsListenerAndBack) {
  const Endpoint listener{host().address, 5353};
  service.set_tcp_listeners({{IpAddress::v4(1), 1}, listener});
  const Packet question = tcp_segment(pool, host(), resolver_at(53), as_bytes("question"));
  expect_checksums(PacketView::parse(question.bytes()));
  send(question.bytes());
  const PacketView in = reply();
  EXPECT_EQ(in.source, resolver_at(40000));
  EXPECT_EQ(in.destination, listener);
  EXPECT_EQ(as_text(in.transport.subspan(20)), "question");

  // What the kernel answers to that.
  const Packet answer = tcp_segment(pool, in.destination, in.source, as_bytes("answer"));
  out.clear();
  send(answer.bytes());
  const PacketView back = reply();
  EXPECT_EQ(back.source, resolver_at(53));
  EXPECT_EQ(back.destination, host());
  EXPECT_EQ(as_text(back.transport.subspan(20)), "answer");
}

TEST_P(ServiceTest, TheDoorIsThereForPort53OfTheOwnAddressAlone) {
  service.set_tcp_listeners({{host().address, 5353}});
  const auto flags_of_reply = [&](const Endpoint& from, std::uint16_t port) {
    out.clear();
    send(tcp_segment(pool, from, resolver_at(port), {}).bytes());
    return PacketView::parse(out.to_host.at(0).bytes()).tcp_flags;
  };
  EXPECT_EQ(flags_of_reply(host(), 53), 0x18);
  EXPECT_EQ(flags_of_reply(host(), 80), filter::kTcpReset);
  const Endpoint other{host().address.next().value(), 40000};
  EXPECT_EQ(flags_of_reply(other, 53), filter::kTcpReset);
  service.set_tcp_listeners({});
  EXPECT_EQ(flags_of_reply(host(), 53), filter::kTcpReset);
}

TEST_P(ServiceTest, AnswersWhatIsAskedWithoutAPacket) {
  using For = Forwarder::For;
  service.ask(QuestionId{1}, dns_query(5, "alpha.tail.example.", 1), For::Host, wall, now, out);
  ASSERT_EQ(out.answers.size(), 1u);
  EXPECT_EQ(out.answers[0].question, QuestionId{1});
  EXPECT_EQ(parse_response(out.answers[0].response)->header.answers, 1);
  out.clear();
  service.ask(QuestionId{2}, dns_query(5, "www.example.", 1), For::Host, wall, now, out);
  ASSERT_EQ(out.to_servers.size(), 1u);
  service.on_response(upstream, test::dns_response(out.to_servers[0].query, 0, 3000), now, out);
  ASSERT_EQ(out.answers.size(), 1u);
  EXPECT_EQ(out.answers[0].question, QuestionId{2});
  EXPECT_GT(out.answers[0].response.size(), 3000u) << "no size limit";
  out.clear();
  service.ask(QuestionId{3}, as_bytes("?"), For::Peer, wall, now, out);
  EXPECT_EQ(Header::parse(out.answers.at(0).response)->rcode(), Rcode::FormErr);
}

TEST_P(ServiceTest, PeersAreNotToldTheNamesOfTheMesh) {
  const Buffer query = dns_query(5, "alpha.tail.example.", 1);
  service.ask(QuestionId{1}, query, Forwarder::For::Peer, wall, now, out);
  EXPECT_TRUE(out.answers.empty());
  EXPECT_EQ(out.to_servers.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Families, ServiceTest, testing::Values("100.64.0.1", "fd7a:115c:a1e0::1"));

TEST(ServiceAddress, IsTheOnePair) {
  EXPECT_TRUE(Service::is_service_address(IpAddress::parse("100.100.100.100").value()));
  EXPECT_TRUE(Service::is_service_address(IpAddress::parse("fd7a:115c:a1e0::53").value()));
  EXPECT_FALSE(Service::is_service_address(IpAddress::parse("100.100.100.101").value()));
}

}  // namespace
}  // namespace aya::dns
