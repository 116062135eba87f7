// The engine as a responder to initiations of the reference implementation, good and damaged.
#include <gtest/gtest.h>

#include "tests/support/test_vectors.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

using test::hex;
using test::Json;
using test::key_of;

Json handshake_named(const std::string& name) {
  for (const Json& c : test::vector_cases("wire", "wireguard.json", "handshake")) {
    if (c.at("name") == name) return c;
  }
  throw std::runtime_error("no handshake " + name);
}

// A responder of the handshake `h` that has seen nothing yet.
class Responder {
 public:
  explicit Responder(const Json& h)
      : tunnel_(
            NodePrivateKey(key_of<crypto::Key32>(h.at("responder_private"))), rng_, pool_,
            {.wall_clock = [] { return WallTime(1767225600s); }}) {
    tunnel_.upsert_peer(
        PeerId{0},
        {key_of<NodePublicKey>(h.at("initiator_public")), key_of<crypto::Key32>(h.at("psk")), {}});
  }

  bool takes(Bytes packet) {
    Effects effects;
    Datagram datagram{pool_.copy_of(packet), test::TunnelPair::address(1), {}};
    tunnel_.open(std::span(&datagram, 1), now_ += 1s, effects);
    const bool answered = !effects.to_network.empty();
    EXPECT_EQ(answered, !effects.heard.empty());
    return answered;
  }
  const Counters& counters() const { return tunnel_.counters(); }

 private:
  test::SeededRng rng_{11};
  PacketPool pool_;
  Tunnel tunnel_;
  TimePoint now_{100s};
};

TEST(TunnelWire, TakesTheInitiationsTheReferenceTakes) {
  for (const Json& c : test::vector_cases("wire", "wireguard.json", "initiation_check")) {
    SCOPED_TRACE(c.at("name"));
    const Json h = handshake_named(c.at("handshake"));
    Responder fresh(h);
    const bool taken = fresh.takes(hex(c.at("packet")));
    if (c.at("accepted").get<bool>()) {
      EXPECT_TRUE(taken);
    } else if (taken) {
      // Nothing is wrong with it but its age: refused where the good one came first.
      Responder later(h);
      EXPECT_TRUE(later.takes(hex(h.at("initiation"))));
      EXPECT_FALSE(later.takes(hex(c.at("packet"))));
      EXPECT_EQ(later.counters()[Drop::ReplayedHandshake], 1u);
    } else {
      const Counters& counters = fresh.counters();
      const std::uint64_t counted = counters[Drop::NotWireguard] + counters[Drop::BadMac1] +
                                    counters[Drop::BadHandshake] + counters[Drop::UnknownPeer];
      EXPECT_EQ(counted, 1u);
      if (!c.at("mac1_ok").get<bool>() && c.value("error", "").empty()) {
        EXPECT_EQ(counters[Drop::BadMac1], 1u);
      }
      EXPECT_TRUE(fresh.takes(hex(h.at("initiation"))));  // and it left no trace
    }
  }
}

}  // namespace
}  // namespace aya::tunnel
