// Sessions and a hub of ours joined in memory, in virtual time: what one says the other takes.
#include <gtest/gtest.h>

#include <memory>

#include "coord-server/relay_server/derp_hub.h"
#include "daemon/relay/derp_session.h"
#include "tests/support/seeded_rng.h"

namespace aya::relay {
namespace {

using relay_server::ConnectionId;
using relay_server::DerpHub;

struct OpenDoor final : DerpHub::Admission {
  bool admits(const NodePublicKey&, const IpAddress&) override { return true; }
};

struct Client {
  NodePrivateKey self;
  DerpSession session;
  ConnectionId id;
  DerpSession::Effects effects;
  bool hung_up = false;
  bool reads = true;  // false: its network swallows what the relay sends
};

// Carries bytes in pieces of uneven size, so that frames are cut everywhere.
class RelayedNet {
 public:
  explicit RelayedNet(DerpHub::Options options = {})
      : relay_(derp::RelayPrivateKey::generate(rng)), hub(relay_, options, door_, rng) {}

  Client& join(bool fast_start = false) {
    auto self = NodePrivateKey::generate(rng);
    return join_as(self, fast_start);
  }
  Client& join_as(const NodePrivateKey& self, bool fast_start = false) {
    DerpSession::Options options;
    if (fast_start) options.relay_key = hub.public_key();
    options.fast_start = fast_start;
    const ConnectionId id =
        hub.accept({*IpAddress::parse("192.0.2.9"), 1}, true, now, hub_effects_);
    clients_.push_back(
        std::make_unique<Client>(Client{self, DerpSession(self, options, rng, pool, now), id, {}}));
    return *clients_.back();
  }

  void send(Client& from, const Client& to, std::string_view text) {
    from.session.send(to.self.public_key(), pool.copy_of(as_bytes(text)), now);
  }

  // Carries bytes until nobody has any to give.
  void exchange() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& client : clients_) moved |= carry(*client);
      for (const auto& closed : hub_effects_.closed) {
        for (auto& client : clients_) client->hung_up |= client->id == closed.id;
      }
      hub_effects_.clear();
    }
  }

  void pass(Duration time) {
    exchange();
    const TimePoint end = now + time;
    for (;;) {
      std::optional<TimePoint> next = hub.next_deadline();
      for (auto& client : clients_) next = earlier(next, client->session.next_deadline());
      if (!next || *next > end) break;
      now = std::max(now, *next);
      hub.advance(now, hub_effects_);
      for (auto& client : clients_) client->session.advance(now, client->effects);
      exchange();
    }
    now = end;
  }

  void lose(Client& client) {
    hub.lost(client.id, now, hub_effects_);
    client.hung_up = true;
    exchange();
  }

  test::SeededRng rng;
  PacketPool pool;
  TimePoint now{5000s};

 private:
  bool carry(Client& client) {
    if (client.hung_up) return false;
    Buffer up, down;
    client.session.write(1000, up, now);
    for (Bytes rest = up; !rest.empty();) {
      const auto piece = rest.first(std::min<std::size_t>(rest.size(), 1 + rng.below(50)));
      hub.receive(client.id, piece, now, hub_effects_);
      rest = rest.subspan(piece.size());
    }
    if (!client.reads) return !up.empty();
    hub.write(client.id, 1000, down, now);
    for (Bytes rest = down; !rest.empty();) {
      const auto piece = rest.first(std::min<std::size_t>(rest.size(), 1 + rng.below(50)));
      client.session.receive(piece, now, client.effects);
      rest = rest.subspan(piece.size());
    }
    return !up.empty() || !down.empty();
  }

  OpenDoor door_;
  derp::RelayPrivateKey relay_;
  DerpHub::Effects hub_effects_;
  std::vector<std::unique_ptr<Client>> clients_;

 public:
  DerpHub hub;
};

std::vector<std::string> texts(const Client& client) {
  std::vector<std::string> out;
  for (const auto& received : client.effects.packets) {
    out.emplace_back(as_text(received.packet.bytes()));
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(SessionAgainstHub, GreetsAndCarriesPackets) {
  RelayedNet net;
  Client& ann = net.join(true);
  Client& bob = net.join(false);
  net.send(ann, bob, "before anybody has greeted");
  net.exchange();
  EXPECT_TRUE(ann.session.is_ready());
  EXPECT_TRUE(bob.session.is_ready());
  net.send(ann, bob, "one");
  net.send(bob, ann, "two");
  net.exchange();
  EXPECT_EQ(texts(ann), Texts{"two"});
  EXPECT_EQ(texts(bob).back(), "one");
  EXPECT_EQ(bob.effects.packets.back().from, ann.self.public_key());
}

TEST(SessionAgainstHub, StaysUpForADayOnKeepalivesAlone) {
  RelayedNet net;
  Client& ann = net.join();
  net.pass(24h);
  EXPECT_FALSE(ann.hung_up);
  EXPECT_FALSE(ann.session.has_failed());
  EXPECT_LE(net.now - ann.session.last_heard(), 65s);
}

TEST(SessionAgainstHub, LearnsThatAPeerLeft) {
  RelayedNet net;
  Client& ann = net.join();
  Client& bob = net.join();
  net.exchange();
  net.send(ann, bob, "x");
  net.exchange();
  net.lose(ann);
  ASSERT_EQ(bob.effects.gone.size(), 1u);
  EXPECT_EQ(bob.effects.gone[0].peer, ann.self.public_key());
}

TEST(SessionAgainstHub, ProbesFindALivingRelayAndADeadOne) {
  RelayedNet net;
  Client& ann = net.join();
  net.exchange();
  ann.session.probe(net.now);
  net.pass(1s);
  EXPECT_TRUE(ann.effects.pong);
  ann.reads = false;
  ann.session.probe(net.now);
  net.pass(3s);
  EXPECT_EQ(ann.effects.failed, SessionFailure::NoPong);
}

TEST(SessionAgainstHub, ClonesAreToldOfEachOther) {
  RelayedNet net;
  Client& ann = net.join();
  Client& clone = net.join_as(ann.self);
  Client& bob = net.join();
  net.exchange();
  for (int i = 0; i < 3; ++i) {
    net.send(ann, bob, "from ann");
    net.exchange();
    net.send(clone, bob, "from the clone");
    net.exchange();
  }
  EXPECT_EQ(ann.effects.health, "node key in use by 2 connections");
  EXPECT_EQ(clone.effects.health, "node key in use by 2 connections");
  net.lose(clone);
  EXPECT_EQ(ann.effects.health, "");
}

TEST(SessionAgainstHub, AReaderThatStallsIsHungUpOn) {
  RelayedNet net;
  Client& ann = net.join();
  Client& bob = net.join();
  net.exchange();
  bob.reads = false;
  net.send(ann, bob, "x");
  net.pass(2s);
  EXPECT_TRUE(bob.hung_up);
  EXPECT_FALSE(ann.hung_up);
}

TEST(SessionAgainstHub, ManyTalkInARing) {
  constexpr std::size_t kClients = 60;
  RelayedNet net;
  std::vector<Client*> clients;
  for (std::size_t i = 0; i < kClients; ++i) clients.push_back(&net.join(i % 2 == 0));
  net.exchange();
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < kClients; ++i) {
      net.send(*clients[i], *clients[(i + 1) % kClients], std::to_string(round));
    }
    net.exchange();
  }
  for (const Client* client : clients) EXPECT_EQ(client->effects.packets.size(), 20u);
}

}  // namespace
}  // namespace aya::relay
