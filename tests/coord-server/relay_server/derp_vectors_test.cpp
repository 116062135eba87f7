// The recorded sessions: what a relay bears, and what it hangs up on.
#include "tests/coord-server/relay_server/relay_bench.h"
#include "tests/support/test_vectors.h"

namespace aya::relay_server {
namespace {

using test::hex;
using test::Json;

crypto::Key32 secret_of(const Json& text) {
  return crypto::Key32(std::span<const std::byte, 32>(hex(text).data(), 32));
}

const Json& recorded_keys() {
  static const Json keys = test::vector_cases("wire", "derp.json", "keys").at(0);
  return keys;
}

struct RecordedRelay {
  const Json& keys = recorded_keys();
  RelayBench bench;
  derp::RelayPrivateKey relay{secret_of(keys.at("server_private"))};
  NodePrivateKey client{secret_of(keys.at("client_a_private"))};
  derp::MeshKey mesh = *derp::MeshKey::parse(keys.at("mesh_key_text").get<std::string>());
  DerpHub hub{relay, {.mesh_key = mesh}, bench, bench.rng};
  DerpHub::Effects effects;
  ConnectionId id = hub.accept({*IpAddress::parse("192.0.2.1"), 1}, true, bench.now, effects);

  void greet(bool as_mesh_peer) {
    derp::ClientInfo info;
    info.can_ack_pings = true;
    if (as_mesh_peer) info.mesh_key = mesh;
    Buffer hello;
    ASSERT_TRUE(derp::write_client_info(client, hub.public_key(), {}, info, hello));
    hub.receive(id, hello, bench.now, effects);
  }
};

TEST(DerpVectors, SessionsEndAsTheyDidWithTheReference) {
  for (const Json& c : test::vector_cases("wire", "derp.json", "server_session")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    RecordedRelay run;
    run.greet(c.at("mesh_client"));
    ASSERT_EQ(run.hub.counters().closed_for_error, 0u);
    run.hub.receive(run.id, hex(c.at("frames_after_client_info")), run.bench.now, run.effects);
    run.hub.lost(run.id, run.bench.now, run.effects);  // the recorded stream ended there
    ASSERT_EQ(run.effects.closed.size(), 1u);
    EXPECT_EQ(run.hub.counters().closed_for_error, c.at("connection_closed_for_error") ? 1u : 0u)
        << to_text(run.effects.closed[0].reason);
  }
}

TEST(DerpVectors, TheHubTakesTheGreetingsThatTheReferenceTakes) {
  for (const Json& c : test::vector_cases("wire", "derp.json", "server_client_info")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    RelayBench bench;
    const derp::RelayPrivateKey relay(secret_of(c.at("server_private")));
    const auto mesh = derp::MeshKey::parse(c.at("server_mesh_key").get<std::string>());
    DerpHub hub(relay, {.mesh_key = mesh}, bench, bench.rng);
    const auto id = hub.accept({}, true, bench.now, bench.effects);
    hub.receive(id, hex(c.at("input")), bench.now, bench.effects);
    EXPECT_EQ(hub.gauges().keys == 1, c.at("ok").get<bool>());
    if (c.contains("mesh_allowed")) {
      EXPECT_EQ(hub.gauges().mesh_peers == 1, c.at("mesh_allowed").get<bool>());
    }
  }
}

}  // namespace
}  // namespace aya::relay_server
