#include "proto/control/json_text.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "proto/base/time.h"
#include "proto/control/map_request.h"
#include "proto/control/map_response.h"
#include "proto/control/register.h"
#include "tests/support/test_vectors.h"

namespace aya::control {
namespace {

using test::Json;
using test::vector_cases;

// One spelling for what has several: an instant in any zone, no resolvers for a route.
Json canonical(Json value) {
  if (value.is_string()) {
    const auto time = parse_rfc3339(value.get<std::string>());
    if (time && *time != WallTime::min()) return to_rfc3339(*time);
  }
  if (value.is_structured()) {
    for (Json& part : value) part = canonical(std::move(part));
  }
  if (value.is_object() && value.contains("Routes")) {
    for (Json& resolvers : value["Routes"]) {
      if (resolvers.is_null()) resolvers = Json::array();
    }
  }
  return value;
}

// What we read is what we write again: no member is lost, none is invented.
template <class T>
void expect_round_trip(const std::string& text) {
  const auto read = decode<T>(text);
  ASSERT_TRUE(read) << to_text(read.error());
  const std::string written = encode(*read);
  EXPECT_EQ(canonical(Json::parse(written)), canonical(Json::parse(text)));
  const auto again = decode<T>(written);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *read);
}

template <class T>
void expect_round_trips(std::string_view kind) {
  for (const Json& c : vector_cases("wire", "map_frames.json", kind)) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    expect_round_trip<T>(c.at("json"));
  }
}

TEST(ControlJsonVectors, RegisterRequests) {
  expect_round_trips<RegisterRequest>("register_request");
}
TEST(ControlJsonVectors, RegisterResponses) {
  expect_round_trips<RegisterResponse>("register_response");
}
TEST(ControlJsonVectors, MapRequests) { expect_round_trips<MapRequest>("map_request"); }
TEST(ControlJsonVectors, MapResponses) { expect_round_trips<MapResponse>("frame"); }

// The raw key in hex, "refused", or nullopt for a type that is no part of these documents.
std::optional<std::string> read_key(const std::string& type, const std::string& json) {
  const auto raw = [&]<class T, class Key>(std::string_view member, Key T::*key) {
    const auto document = decode<T>("{\"" + std::string(member) + "\":" + json + "}");
    return document ? to_hex(((*document).*key).bytes()) : std::string("refused");
  };
  if (type == "machine_public") return raw("publicKey", &OverTlsKeys::public_key);
  if (type == "node_public") return raw("NodeKey", &MapRequest::node_key);
  if (type == "disco_public") return raw("DiscoKey", &MapRequest::disco_key);
  if (type == "challenge_public") return raw("nodeKeyChallenge", &EarlyPayload::node_key_challenge);
  if (type == "tailnet_lock_public") return raw("NLKey", &RegisterRequest::network_lock_key);
  return std::nullopt;
}

TEST(ControlJsonVectors, KeysInDocuments) {
  std::size_t ours = 0;
  const auto check = [&](const Json& c, const std::string& json) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto got = read_key(c.at("type"), json);
    if (!got) return;
    ++ours;
    EXPECT_EQ(*got, c.at("ok").get<bool>() ? c.at("raw").get<std::string>() : "refused");
  };
  for (const Json& c : vector_cases("wire", "keys.json", "parse_json")) check(c, c.at("json"));
  for (const Json& c : vector_cases("wire", "keys.json", "parse")) check(c, c.at("text").dump());
  EXPECT_GE(ours, 138u);
}

TEST(ControlJsonVectors, ALockKeyIsWrittenInOneFormAndReadInTwo) {
  for (const Json& c : vector_cases("wire", "keys.json", "generate")) {
    if (c.at("type") != "tailnet_lock") continue;
    SCOPED_TRACE(c.at("name").get<std::string>());
    for (const char* form : {"public_text", "public_cli_text"}) {
      EXPECT_EQ(read_key("tailnet_lock_public", c.at(form).dump()), c.at("public_raw"));
      const auto request = decode<RegisterRequest>(Json{{"NLKey", c.at(form)}}.dump());
      ASSERT_TRUE(request);
      EXPECT_EQ(Json::parse(encode(*request)).at("NLKey"), c.at("public_text"));
    }
  }
}

// ---- the rules of control 5

template <class T>
T read(std::string_view text) {
  auto value = decode<T>(text);
  EXPECT_TRUE(value) << text;
  return value ? *std::move(value) : T{};
}
template <class T>
bool refused(std::string_view text) {
  return !decode<T>(text);
}

TEST(ControlJson, MatchesNamesInAnyCaseAndPrefersTheExactOne) {
  EXPECT_EQ(
      read<MapRequest>(R"({"version":7,"HOSTINFO":{"hostname":"a"}})").hostinfo->hostname, "a");
  EXPECT_EQ(read<MapRequest>(R"({"VERSION":1,"Version":2,"version":3})").version, 2);
}

TEST(ControlJson, IgnoresWhatItDoesNotKnow) {
  EXPECT_EQ(read<MapRequest>(R"({"Tomorrow":{"a":[1,{}]},"Version":7})").version, 7);
}

TEST(ControlJson, TakesNullAndUnsetForAbsent) {
  EXPECT_EQ(
      read<RegisterRequest>(
          R"({"Version":null,"NodeKey":null,"Auth":null,"Hostinfo":null,"Ephemeral":null,
              "Expiry":"0001-01-01T00:00:00Z","Timestamp":null,"NodeKeySignature":null})"),
      RegisterRequest{});
  EXPECT_EQ(
      read<MapResponse>(R"({"Node":null,"Peers":null,"PeersChanged":[null],"Health":null})"),
      MapResponse{});
}

TEST(ControlJson, KeepsAbsentAndEmptyApartWhereTheyDiffer) {
  EXPECT_FALSE(read<Node>("{}").allowed_ips);
  EXPECT_EQ(read<Node>(R"({"AllowedIPs":[]})").allowed_ips, std::vector<Prefix>{});
  EXPECT_FALSE(read<MapResponse>("{}").packet_filter);
  EXPECT_EQ(read<MapResponse>(R"({"PacketFilter":[]})").packet_filter, FilterRules{});
  EXPECT_EQ(read<MapResponse>(R"({"Health":[]})").health, std::vector<std::string>{});
  const auto change = read<PeerChange>(R"({"NodeID":1,"Endpoints":[],"CapMap":{}})");
  EXPECT_EQ(change.endpoints, std::vector<Endpoint>{});
  EXPECT_EQ(change.cap_map, CapMap{});
  EXPECT_FALSE(read<PeerChange>(R"({"NodeID":1})").endpoints);
}

TEST(ControlJson, ANullInAMapOfNamesIsADeletion) {
  const auto map = read<MapResponse>(R"({"PacketFilters":{"*":null,"a":[]}})");
  ASSERT_EQ(map.packet_filters.size(), 2u);
  EXPECT_FALSE(map.packet_filters.at("*"));
  EXPECT_EQ(map.packet_filters.at("a"), FilterRules{});
}

TEST(ControlJson, APatchSaysThatAKeyNeverExpires) {
  EXPECT_FALSE(read<PeerChange>(R"({"NodeID":1})").key_expiry);
  const auto never = read<PeerChange>(R"({"NodeID":1,"KeyExpiry":"0001-01-01T00:00:00Z"})");
  ASSERT_TRUE(never.key_expiry);
  EXPECT_FALSE(*never.key_expiry);
}

TEST(ControlJson, RefusesADocumentWithOneWrongMember) {
  EXPECT_TRUE(refused<MapRequest>(""));
  EXPECT_TRUE(refused<MapRequest>("[]"));
  EXPECT_TRUE(refused<MapRequest>("{} {}"));
  EXPECT_TRUE(refused<MapRequest>(R"({"Version":"7"})"));
  EXPECT_TRUE(refused<MapRequest>(R"({"Version":7.5})"));
  EXPECT_TRUE(refused<MapRequest>(R"({"Version":99999999999})"));
  EXPECT_TRUE(refused<MapRequest>(R"({"Stream":"true"})"));
  EXPECT_TRUE(refused<MapRequest>(R"({"NodeKey":""})"));
  EXPECT_TRUE(refused<MapRequest>(R"({"NodeKey":"mkey:00"})"));
  EXPECT_TRUE(refused<MapRequest>(R"({"Endpoints":{}})"));
  EXPECT_TRUE(refused<MapRequest>(R"({"Endpoints":["1.2.3.4"]})"));
  EXPECT_TRUE(refused<RegisterRequest>(R"({"Expiry":"tomorrow"})"));
  EXPECT_TRUE(refused<RegisterRequest>(R"({"NodeKeySignature":"!!"})"));
  EXPECT_TRUE(refused<Node>(R"({"Online":"true"})"));
  EXPECT_TRUE(refused<Node>(R"({"Addresses":["100.64.0.1/33"]})"));
  EXPECT_TRUE(refused<MapResponse>(R"({"OnlineChange":{"x":true}})"));
}

TEST(ControlJson, RefusesADocumentThatIsNestedTooDeep) {
  const auto nested = [](std::size_t depth) {
    return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(decode<MapRequest>(nested(50)));
  EXPECT_TRUE(refused<MapRequest>(nested(100)));
  EXPECT_TRUE(refused<MapRequest>(nested(1'000'000)));
  EXPECT_TRUE(decode<MapRequest>(R"({"a":")" + std::string(1000, '[') + "\"}"));
}

TEST(ControlJson, DropsEndpointsThatMeanSomethingOnOneMachineOnly) {
  EXPECT_EQ(
      read<MapRequest>(R"({"Endpoints":["[fe80::1%eth0]:5","192.0.2.1:6"]})").endpoints,
      std::vector{*Endpoint::parse("192.0.2.1:6")});
}

TEST(ControlJson, PassesOnHostInformationNobodyHereReads) {
  const std::string text =
      R"({"Cloud":"x","Hostname":"a","Location":{"City":"Y","Priority":3},"WoLMACs":["00:11"]})";
  auto host = read<Hostinfo>(text);
  host.hostname = "b";
  EXPECT_EQ(
      Json::parse(encode(host)),
      Json::parse(
          R"({"Cloud":"x","Hostname":"b","Location":{"City":"Y","Priority":3},"WoLMACs":["00:11"]})"));
}

TEST(ControlJson, TellsTheModesOfAMapRequestApart) {
  using Kind = MapRequest::Kind;
  EXPECT_EQ(read<MapRequest>(R"({"Stream":true})").kind(), Kind::LongPoll);
  EXPECT_EQ(read<MapRequest>(R"({"OmitPeers":true})").kind(), Kind::LiteUpdate);
  EXPECT_EQ(read<MapRequest>("{}").kind(), Kind::OneShot);
  EXPECT_EQ(read<MapRequest>(R"({"ReadOnly":true,"Stream":true})").kind(), Kind::LegacyReadOnly);
}

}  // namespace
}  // namespace aya::control
