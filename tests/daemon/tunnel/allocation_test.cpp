// Steady traffic allocates nothing, whichever backend seals it.
#include <gtest/gtest.h>

#include "tests/support/allocation_count.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

using test::TunnelPair;

class Allocations : public testing::TestWithParam<std::string_view> {};

// Both directions, in batches, with the keepalives and deadlines of a minute; less than a rekey.
TEST_P(Allocations, SteadyTrafficMakesNone) {
  const auto aead = crypto::make_aead(GetParam());
  test::SeededRng rng(21);
  PacketPool pool;
  const auto wall = [] { return WallTime(1767225600s); };
  const NodePrivateKey keys[] = {NodePrivateKey::generate(rng), NodePrivateKey::generate(rng)};
  Tunnel ends[] = {
      {keys[0], rng, pool, {.wall_clock = wall, .aead = aead.get()}},
      {keys[1], rng, pool, {.wall_clock = wall, .aead = aead.get()}}};
  const PeerId peer{0};
  for (std::uint8_t i = 0; i < 2; ++i) {
    const Prefix inner = Prefix::host(TunnelPair::inner_address(1 - i));
    ends[i].upsert_peer(peer, {keys[1 - i].public_key(), {}, 25s});
    ends[i].set_allowed_ips(peer, std::span(&inner, 1));
  }

  TimePoint now{10s};
  Effects out, in;
  std::vector<Packet> inner;
  std::vector<Datagram> wire;
  std::size_t delivered = 0;
  // Sends `count` packets from one end and lets the two answer each other until they are silent.
  const auto exchange = [&](std::uint8_t from, std::size_t count) {
    inner.clear();
    for (std::size_t i = 0; i < count; ++i) {
      inner.push_back(TunnelPair::numbered(pool, TunnelPair::inner_address(from), 1, 900));
    }
    ends[from].seal(peer, inner, now, out);
    ends[from].advance(now, out);
    for (std::uint8_t at = from; !out.to_network.empty(); std::swap(out, in)) {
      wire.clear();
      for (ToPeer& send : out.to_network) {
        wire.push_back({std::move(send.datagram), TunnelPair::address(at), {}});
      }
      out.clear();
      in.clear();
      at = 1 - at;
      ends[at].open(wire, now, in);
      ends[at].advance(now, in);
      delivered += in.to_host.size();
    }
    out.clear();
    in.clear();
    wire.clear();
  };
  const auto minute = [&] {
    for (std::size_t i = 0; i < 600; ++i, now += 50ms) exchange(i % 3 == 0, 1 + i % 100);
  };
  minute();  // the warm-up: the handshake, and every buffer to its size
  delivered = 0;
  const std::size_t before = test::allocations();
  minute();
  EXPECT_EQ(test::allocations() - before, 0u);
  EXPECT_GT(delivered, 20000u);
}

INSTANTIATE_TEST_SUITE_P(
    Backends, Allocations, testing::ValuesIn(crypto::aead_backends()), [](const auto& named) {
      std::string name(named.param);
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

}  // namespace
}  // namespace aya::tunnel
