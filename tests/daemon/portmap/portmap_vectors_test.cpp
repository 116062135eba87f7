// Every recorded case: requests byte for byte, answers as the reference reads them, and stricter
// where it is careless.
#include <gtest/gtest.h>

#include "daemon/portmap/gateway_epoch.h"
#include "daemon/portmap/nat_pmp.h"
#include "daemon/portmap/pcp.h"
#include "daemon/portmap/ssdp.h"
#include "proto/base/endian.h"
#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::portmap {
namespace {

using test::hex;
using test::Json;
using Seconds32 = std::chrono::duration<std::uint32_t>;

IpAddress address_of(const Json& text) { return *IpAddress::parse(text.get<std::string>()); }

TEST(PortmapVectors, PmpRequestsAreWrittenByteForByte) {
  for (const Json& c : test::vector_cases("wire", "portmap.json", "pmp_request")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    if (!c.contains("internal_port")) {
      EXPECT_EQ(to_hex(pmp_external_address_request()), c.at("packet"));
      continue;
    }
    EXPECT_EQ(
        to_hex(pmp_map_request(
            {c.at("internal_port"), c.at("suggested_external_port"),
             Seconds32(c.at("lifetime").get<std::uint32_t>())})),
        c.at("packet"));
  }
}

void expect_body(const PmpAnswer& answer, const Json& c) {
  const auto* address = std::get_if<PmpExternalAddress>(&answer.body);
  const auto* mapping = std::get_if<PmpMapping>(&answer.body);
  ASSERT_EQ(address != nullptr, c.contains("external_ip"));
  ASSERT_EQ(mapping != nullptr, c.contains("external_port"));
  if (address) {
    const Json said = address->address ? Json(address->address->to_text()) : Json();
    EXPECT_EQ(said, c.at("external_ip"));
  }
  if (mapping) {
    EXPECT_EQ(mapping->internal_port, c.at("internal_port"));
    EXPECT_EQ(mapping->external_port, c.at("external_port"));
    EXPECT_EQ(mapping->lifetime.count(), c.at("lifetime"));
  }
}

TEST(PortmapVectors, PmpAnswersAreRead) {
  for (const Json& c : test::vector_cases("wire", "portmap.json", "pmp_response")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto answer = parse_pmp(hex(c.at("packet")));
    ASSERT_EQ(answer.has_value(), c.at("parsed").get<bool>());
    if (!answer) continue;
    EXPECT_EQ(answer->op, c.at("op"));
    EXPECT_EQ(static_cast<int>(answer->result), c.at("result"));
    EXPECT_EQ(answer->epoch, c.at("epoch"));
    expect_body(*answer, c);
  }
}

PcpNonce nonce_of(Bytes bytes) {
  PcpNonce out{};
  copy_bytes(out, bytes);
  return out;
}

TEST(PortmapVectors, PcpRequestsAreWrittenByteForByte) {
  for (const Json& c : test::vector_cases("wire", "portmap.json", "pcp_request")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const IpAddress client = address_of(c.at("client_ip"));
    if (!c.contains("nonce")) {
      EXPECT_EQ(to_hex(pcp_announce_request(client)), c.at("packet"));
      continue;
    }
    PcpMapRequest request;
    request.client = client;
    request.nonce = nonce_of(hex(c.at("nonce")));
    request.internal_port = c.at("internal_port");
    request.suggested_external = {
        address_of(c.at("suggested_external_ip")), c.at("suggested_external_port")};
    request.lifetime = Seconds32(c.at("lifetime").get<std::uint32_t>());
    EXPECT_EQ(to_hex(pcp_map_request(request)), c.at("packet"));
  }
}

// What all recorded answers are about. The reference takes answers to other requests, too; we do
// not, so those must be refused.
PcpMapRequest recorded_request() {
  PcpMapRequest asked;
  asked.nonce = nonce_of(hex(std::string_view("a0a1a2a3a4a5a6a7a8a9aaab")));
  asked.internal_port = 41641;
  return asked;
}
bool answers_another_request(Bytes packet) {
  const auto asked = recorded_request();
  return packet[1] != std::byte{0x81} || !equal_bytes(packet.subspan(24, 12), asked.nonce) ||
         packet[36] != std::byte{17} || load_be<std::uint16_t>(packet.data() + 40) != 41641;
}

TEST(PortmapVectors, PcpAnswersAreRead) {
  for (const Json& c : test::vector_cases("wire", "portmap.json", "pcp_response")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer packet = hex(c.at("packet"));
    const auto header = parse_pcp_header(packet);
    ASSERT_EQ(header.has_value(), c.at("header_parsed").get<bool>());
    if (header) {
      EXPECT_EQ(header->op, c.at("op"));
      EXPECT_EQ(static_cast<int>(header->result), c.at("result"));
      EXPECT_EQ(header->epoch, c.at("epoch"));
      EXPECT_EQ(header->lifetime.count(), c.at("lifetime"));
    }
    const auto mapping = parse_pcp_mapping(packet, recorded_request());
    if (c.at("map_parsed") && answers_another_request(packet)) {
      EXPECT_FALSE(mapping);
      continue;
    }
    ASSERT_EQ(mapping.has_value(), c.at("map_parsed").get<bool>());
    if (mapping) {
      EXPECT_EQ(mapping->external.to_text(), c.at("external"));
      EXPECT_EQ(mapping->header.epoch, c.at("map_epoch"));
    }
  }
}

// The cases tell no time, so the gateway's clock runs as ours does unless it goes back.
TEST(PortmapVectors, EpochsTellAGatewayThatRestarted) {
  for (const Json& c : test::vector_cases("wire", "portmap.json", "epoch")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto stored = c.at("stored").get<std::uint32_t>();
    const auto received = c.at("received").get<std::uint32_t>();
    const auto passed = std::chrono::seconds(received > stored ? received - stored : 1);
    const std::string protocol = c.at("protocol");
    GatewayEpoch pmp, pcp;
    (protocol.ends_with("pmp mapping") || protocol == "pmp" ? pmp : pcp)
        .restarted(stored, TimePoint{});
    GatewayEpoch& answering = protocol.starts_with("pcp") ? pcp : pmp;
    EXPECT_EQ(
        !answering.restarted(received, TimePoint{} + passed), c.at("mapping_kept").get<bool>());
  }
}

TEST(PortmapVectors, SsdpSearchesAreWrittenByteForByte) {
  for (const Json& c : test::vector_cases("wire", "portmap.json", "ssdp_request")) {
    const std::string text = c.at("text");
    const auto at = text.find("\r\nST: ") + 6;
    EXPECT_EQ(ssdp_search(text.substr(at, text.find("\r\n", at) - at)), text);
    EXPECT_TRUE(text == ssdp_search(kSsdpAll) || text == ssdp_search(kSsdpGateway));
  }
}

TEST(PortmapVectors, SsdpAnswersAreRead) {
  for (const Json& c : test::vector_cases("wire", "portmap.json", "ssdp_response")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto answer = parse_ssdp(c.at("text").get<std::string>());
    ASSERT_EQ(answer.has_value(), c.at("parsed").get<bool>());
    if (!answer) continue;
    EXPECT_EQ(answer->location, c.at("location"));
    EXPECT_EQ(answer->server, c.at("server"));
    EXPECT_EQ(answer->usn, c.at("usn"));
  }
}

}  // namespace
}  // namespace aya::portmap
