// Every case of wire/stun.json, and what a damaged attribute length must not do.
#include <gtest/gtest.h>

#include "proto/stun/binding.h"
#include "proto/stun/classify.h"
#include "tests/support/test_vectors.h"

namespace aya::stun {
namespace {

using test::hex;
using test::Json;

std::vector<Json> cases(std::string_view kind) {
  return test::vector_cases("wire", "stun.json", kind);
}

TxId tx_id(const Json& text) {
  TxId out{};
  copy_bytes(out, hex(text));
  return out;
}

Endpoint endpoint(const Json& text) { return Endpoint::parse(text.get<std::string>()).value(); }

TEST(StunVectors, RequestsAreWrittenByteForByte) {
  for (const Json& c : cases("request")) {
    SCOPED_TRACE(c.at("name"));
    const auto request = make_request(tx_id(c.at("tx_id")));
    EXPECT_TRUE(equal_bytes(request, hex(c.at("packet"))));
    const auto parsed = parse_request(request);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, tx_id(c.at("tx_id")));
  }
}

TEST(StunVectors, ResponsesAreWrittenByteForByte) {
  for (const Json& c : cases("response")) {
    SCOPED_TRACE(c.at("name"));
    const Buffer expected = hex(c.at("packet"));
    const Endpoint parsed_address = endpoint(c.at("parsed"));
    const auto parsed = parse_response(expected);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->mapped, parsed_address);
    EXPECT_EQ(parsed->tx_id, tx_id(c.at("tx_id")));

    Buffer written;
    write_response(tx_id(c.at("tx_id")), endpoint(c.at("address_given")), written);
    const auto again = parse_response(written);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->mapped, parsed_address);
    // Deployed servers answer mapped IPv4 in the IPv6 form; ours unmaps it (nat-traversal 1.2).
    if (endpoint(c.at("address_given")) == parsed_address) {
      EXPECT_EQ(written, expected);
    }
  }
}

TEST(StunVectors, RequestsAreParsedOrRefused) {
  for (const Json& c : cases("parse_request")) {
    SCOPED_TRACE(c.at("name"));
    const auto parsed = parse_request(hex(c.at("packet")));
    ASSERT_EQ(parsed.has_value(), c.at("ok").get<bool>());
    if (parsed && c.contains("tx_id")) {
      EXPECT_EQ(*parsed, tx_id(c.at("tx_id")));
    }
  }
}

TEST(StunVectors, ResponsesAreParsedOrRefused) {
  for (const Json& c : cases("parse_response")) {
    SCOPED_TRACE(c.at("name"));
    const Buffer packet = hex(c.at("packet"));
    EXPECT_EQ(is_stun(packet), c.at("is_stun").get<bool>());
    const auto parsed = parse_response(packet);
    ASSERT_EQ(parsed.has_value(), c.at("ok").get<bool>());
    if (parsed) {
      EXPECT_EQ(parsed->mapped, endpoint(c.at("address")));
      EXPECT_EQ(parsed->tx_id, tx_id(c.at("tx_id")));
    }
  }
}

TEST(StunVectors, DatagramsAreToldApart) {
  for (const Json& c : cases("classify")) {
    SCOPED_TRACE(c.at("name"));
    const DatagramClass got = classify(hex(c.at("packet")));
    const std::string kind = c.at("class");
    EXPECT_EQ(
        got.kind, kind == "stun"    ? DatagramKind::Stun
                  : kind == "disco" ? DatagramKind::Disco
                                    : DatagramKind::WireGuard);
    EXPECT_EQ(got.geneve, c.at("geneve").get<bool>());
  }
}

TEST(Stun, AttributeLengthNearTheLimitIsNoWayPastTheEnd) {
  const std::string_view text = "010100082112a4420102030405060708090a0b0c8022fffd00000000";
  const auto parsed = parse_response(hex(text));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), ParseError::Truncated);
}

TEST(Stun, AnswersAreAtMostFourBytesLongerThanRequests) {
  Buffer reply;
  write_response(TxId{}, *Endpoint::parse("[2001:db8::1]:1"), reply);
  EXPECT_LE(reply.size(), kRequestSize + 4);
}

}  // namespace
}  // namespace aya::stun
