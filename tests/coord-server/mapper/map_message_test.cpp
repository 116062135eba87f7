#include "coord-server/mapper/map_message.h"

#include <gtest/gtest.h>

#include "proto/control/json_text.h"

namespace aya::mapper {
namespace {

control::Node node(std::int64_t id) {
  control::Node out;
  out.id = control::NodeId{id};
  out.stable_id = "n" + std::to_string(id);
  out.name = "a\"b.mesh.test.";
  return out;
}

PeerText text_of(const control::Node& peer) {
  return std::make_shared<const std::string>(control::encode(peer));
}

// With texts or with values, a message reads the same.
TEST(MapMessage, SaysWhatItsPartsSay) {
  for (const bool with_rest : {false, true}) {
    for (const std::size_t peers : {0u, 1u, 3u}) {
      control::MapResponse whole;
      MapMessage message;
      if (with_rest) whole.domain = "mesh.test";
      message.rest = whole;
      for (std::size_t i = 0; i < peers; ++i) {
        whole.peers.push_back(node(static_cast<std::int64_t>(i) + 1));
        whole.peers_changed.push_back(node(static_cast<std::int64_t>(i) + 10));
        message.peers.push_back(text_of(whole.peers.back()));
        message.peers_changed.push_back(text_of(whole.peers_changed.back()));
      }
      if (with_rest) {
        control::FilterRule rule;
        rule.src_ips = {"100.64.0.1"};
        rule.dst_ports.emplace_back().ip = "*";
        const control::FilterRules rules = {rule};
        whole.packet_filters["base"] = rules;
        message.filters = "{\"base\":" + control::encode(rules) + "}";
      }
      const auto read = control::decode<control::MapResponse>(message.to_json());
      ASSERT_TRUE(read) << message.to_json();
      EXPECT_EQ(*read, *control::decode<control::MapResponse>(control::encode(whole)));
    }
  }
}

}  // namespace
}  // namespace aya::mapper
