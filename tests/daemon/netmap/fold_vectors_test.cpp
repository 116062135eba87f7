// Every sequence of map_frames.json: what each frame asks for at once, and the netmap behind it.
#include <gtest/gtest.h>

#include <set>

#include "daemon/netmap/fold.h"
#include "proto/control/json_text.h"
#include "proto/control/map_frame.h"
#include "tests/support/test_vectors.h"

namespace aya::netmap {
namespace {

using control::Compression;
using control::MapResponse;
using test::Json;

bool is_nothing(const Json& value) {
  return value.is_null() || value == "" || value == 0 || value == false ||
         (value.is_structured() && value.empty()) || value == Json(kZeroTimeText);
}

// Absent, null, zero and empty are one thing on this wire (control 5), except that the names in a
// CapMap count even without values.
Json pruned(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& element : value) out.push_back(pruned(element));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, member] : value.items()) {
    if (name == "CapMap" && member.is_object()) {
      for (const auto& [cap, values] : member.items()) {
        out[name][cap] = values.is_null() ? Json::array() : values;
      }
    } else if (const Json inner = pruned(member); !is_nothing(inner)) {
      out[name] = inner;
    }
  }
  return out;
}

template <class T>
Json json_of(const T& value) {
  return Json::parse(control::encode(value));
}

template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : Json();
}

std::set<UserId> users_referred_to(const Netmap& map) {
  std::set<UserId> users{map.self.user};
  for (const auto& [id, peer] : map.peers) {
    users.insert(peer.user);
    users.insert(peer.sharer);
  }
  return users;
}

Json to_json(const Netmap& map) {
  Json out;
  out["self"] = json_of(map.self);
  out["peers"] = Json::array();
  for (const auto& [id, peer] : map.peers) out["peers"].push_back(json_of(peer));
  out["dns"] = json_of(map.dns);
  out["derp_map"] = json_of(map.derp_map);
  for (const UserId id : users_referred_to(map)) {
    if (const auto* profile = map.profile(id)) {
      out["user_profiles"][std::to_string(id.value)] = json_of(*profile);
    }
  }
  out["filter_rules"] = json_of(map.filter_rules());
  for (const auto& [id, message] : map.messages()) out["display_messages"][id] = json_of(message);
  out["domain"] = map.domain;
  out["collect_services"] = map.collect_services;
  out["ssh_policy"] = json_of(map.ssh_policy);
  out["tka_enabled"] = map.network_lock;
  out["domain_audit_log_id"] = map.domain_audit_log_id;
  return out;
}

Json expected_netmap(const Json& netmap) {
  Json out = netmap;
  out.erase("filter_matches");  // what the rules mean is daemon/filter's
  return out;
}

void expect_events(const Json& expected, const Events& events) {
  EXPECT_EQ(expected.value("ping", false), events.ping.has_value());
  EXPECT_EQ(expected.value("pop_browser", false), events.pop_browser_url.has_value());
  EXPECT_EQ(
      expected.value("control_time", ""),
      events.control_time ? to_rfc3339(*events.control_time) : "");
  EXPECT_EQ(pruned(expected.value("debug", Json())), pruned(json_of(events.debug)));
  EXPECT_EQ(expected.contains("dial_plan"), events.dial_plan.has_value());
  EXPECT_EQ(pruned(expected.value("dial_plan", Json())), pruned(json_of(events.dial_plan)));
  EXPECT_EQ(
      pruned(expected.value("client_version", Json())), pruned(json_of(events.client_version)));
}

Result<MapResponse, ParseError> decode_frame(const Json& frame) {
  control::MapFrameDecoder decoder(Compression::Zstd);
  decoder.feed(test::hex(frame.at("zstd_frame")));
  auto json = decoder.next();
  if (!json) return json.error();
  EXPECT_TRUE(json->has_value());
  EXPECT_EQ(**json, frame.at("json").get<std::string>());
  return control::decode<MapResponse>(**json);
}

// False where the stream ends.
bool run_frame(State& state, const Json& frame) {
  const std::string expected = frame.at("result");
  auto message = decode_frame(frame);
  if (!message) {
    EXPECT_EQ(expected, "decode_error");
    return false;
  }
  EXPECT_NE(expected, "decode_error");
  const WallTime now = *parse_rfc3339(frame.at("now").get<std::string>());
  const Netmap before = state.netmap;
  const FoldResult result = fold(state, std::move(*message), now);
  if (result.outcome == Outcome::MissingNode) {
    EXPECT_EQ(expected, "error");
    return false;
  }
  EXPECT_EQ(expected == "keepalive", result.outcome == Outcome::Keepalive);
  EXPECT_EQ(result.delta, difference(before, state.netmap)) << "the delta is what changed";
  expect_events(frame.value("events", Json::object()), result.events);
  if (frame.contains("netmap") && frame.at("netmap").is_object()) {
    EXPECT_EQ(
        pruned(expected_netmap(frame.at("netmap"))).dump(1), pruned(to_json(state.netmap)).dump(1));
  }
  return true;
}

TEST(FoldVectors, EveryFrameLeavesTheNetmapDeployedNodesHave) {
  for (const Json& c : test::vector_cases("wire", "map_frames.json", "sequence")) {
    State state;
    int index = 0;
    for (const Json& frame : c.at("frames")) {
      SCOPED_TRACE(c.at("name").get<std::string>() + " frame " + std::to_string(index++));
      if (!run_frame(state, frame)) break;
    }
  }
}

}  // namespace
}  // namespace aya::netmap
