#include "daemon/dns/service.h"

#include <gtest/gtest.h>

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

INSTANTIATE_TEST_SUITE_P(Families, ServiceTest, testing::Values("100.64.0.1", "fd7a:115c:a1e0::1"));

TEST(ServiceAddress, IsTheOnePair) {
  EXPECT_TRUE(Service::is_service_address(IpAddress::parse("100.100.100.100").value()));
  EXPECT_TRUE(Service::is_service_address(IpAddress::parse("fd7a:115c:a1e0::53").value()));
  EXPECT_FALSE(Service::is_service_address(IpAddress::parse("100.100.100.101").value()));
}

}  // namespace
}  // namespace aya::dns
