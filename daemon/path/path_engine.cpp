#include "daemon/path/path_engine.h"

#include <algorithm>
#include <unordered_map>

#include "daemon/path/peer_paths.h"
#include "proto/disco/envelope.h"

namespace aya::path {

void Effects::clear() {
  sends.clear();
  changes.clear();
  pings_done.clear();
  wants_restun = false;
  echoes.clear();
}

// Owns the peers, knows who owns which key, and hands each message to its peer.
class PathEngine::Core {
 public:
  Core(const DiscoPrivateKey& self, const NodePublicKey& self_node, Rng& rng, Options options)
      : around{DiscoSessions(self, rng), self_node, rng, options.silent, {}, {}} {}

  struct Known {
    PeerPaths paths;
    DiscoPublicKey netmap_key;  // as the netmap last said; an announcement may have overtaken it
  };

  Known* find(PeerId peer) {
    const auto found = peers.find(peer);
    return found == peers.end() ? nullptr : &found->second;
  }

  // Runs `act(paths, step)` for one peer and remembers what it must be woken for.
  template <class Act>
  void with(PeerId peer, TimePoint now, Effects& out, Act act) {
    Known* known = find(peer);
    if (!known) return;
    Step step{now, out, around};
    act(known->paths, step);
    wake_at = earlier(wake_at, known->paths.next_deadline());
  }

  template <class Act>
  void with_all(TimePoint now, Effects& out, Act act) {
    for (const auto& [peer, known] : peers) with(peer, now, out, act);
  }

  void upsert(PeerId peer, const PeerPath& facts, TimePoint now, Effects& out) {
    if (Known* known = find(peer); known && known->paths.node_key() != facts.node_key) remove(peer);
    const auto [at, fresh] = peers.try_emplace(peer, Known{PeerPaths(peer, facts), {}});
    by_node[facts.node_key] = peer;
    Step step{now, out, around};
    at->second.paths.set_facts(facts, step);
    if (fresh || at->second.netmap_key != facts.disco_key) {
      at->second.netmap_key = facts.disco_key;
      set_key(peer, at->second.paths, facts.disco_key, step);
    }
    wake_at = earlier(wake_at, at->second.paths.next_deadline());
  }

  void set_key(PeerId peer, PeerPaths& paths, const DiscoPublicKey& key, Step& step) {
    const DiscoPublicKey before = paths.disco_key();
    if (before == key) return;
    const bool usable = !key.is_zero() && around.sessions.add_owner(key, peer);
    paths.set_disco_key(usable ? key : DiscoPublicKey{}, step);
    if (!before.is_zero()) around.sessions.remove_owner(before, peer);
  }

  void remove(PeerId peer) {
    Known* known = find(peer);
    if (!known) return;
    if (!known->paths.disco_key().is_zero()) {
      around.sessions.remove_owner(known->paths.disco_key(), peer);
    }
    const auto node = by_node.find(known->paths.node_key());
    if (node != by_node.end() && node->second == peer) by_node.erase(node);
    peers.erase(peer);
  }

  void on_disco(
      Bytes datagram, const PathAddress& from, const std::optional<NodePublicKey>& relay_sender,
      TimePoint now, Effects& out) {
    const auto sender = disco::sender_of(datagram);
    if (!sender) return count(around.drops.not_disco);
    const auto owners = around.sessions.owners(*sender);
    if (owners.empty()) return count(around.drops.unknown_sender);
    const auto payload = around.sessions.open(*sender, datagram);
    if (!payload) return count(around.drops.bad_seal);
    const auto message = disco::parse(*payload);
    if (!message) return count(around.drops.bad_message);
    if (from.is_relay() && !owner_named(owners, relay_sender)) {
      return count(around.drops.wrong_carrier);
    }
    if (const auto* ping = std::get_if<disco::Ping>(&*message)) {
      on_ping(*ping, owners, from, relay_sender, now, out);
    } else if (const auto* pong = std::get_if<disco::Pong>(&*message)) {
      on_pong(*pong, owners, from, now, out);
    } else if (const auto* call = std::get_if<disco::CallMeMaybe>(&*message)) {
      if (!from.is_relay()) return count(around.drops.wrong_carrier);
      with(*owner_named(owners, relay_sender), now, out, [&](PeerPaths& paths, Step& step) {
        paths.on_call_me_maybe(*call, step);
      });
    }  // the rest concerns peer relays, which this engine does not use
  }

  // The owner of the key that has this node key.
  std::optional<PeerId> owner_named(
      std::span<const PeerId> owners, const std::optional<NodePublicKey>& node) const {
    if (!node) return std::nullopt;
    const auto found = by_node.find(*node);
    if (found == by_node.end()) return std::nullopt;
    if (std::ranges::find(owners, found->second) == owners.end()) return std::nullopt;
    return found->second;
  }

  void on_ping(
      const disco::Ping& ping, std::span<const PeerId> owners, const PathAddress& from,
      const std::optional<NodePublicKey>& relay_sender, TimePoint now, Effects& out) {
    auto author = owner_named(owners, relay_sender);
    if (!author) author = owner_named(owners, ping.node_key);
    if (!author) author = owners.front();
    auto verdict = PeerPaths::PingVerdict::Answer;
    // By UDP the address is a candidate of everybody who owns the key.
    for (const PeerId owner : owners) {
      if (from.is_relay() && owner != *author) continue;
      with(owner, now, out, [&](PeerPaths& paths, Step& step) {
        const auto said = paths.on_ping(ping, from, step);
        if (owner == *author) verdict = said;
      });
    }
    if (verdict == PeerPaths::PingVerdict::OverBudget) return count(around.drops.rate_limited);
    if (verdict == PeerPaths::PingVerdict::Duplicate) return count(around.drops.duplicate_ping);
    with(*author, now, out, [&](PeerPaths& paths, Step& step) {
      paths.answer_ping(ping, from, step);
    });
  }

  void on_pong(
      const disco::Pong& pong, std::span<const PeerId> owners, const PathAddress& from,
      TimePoint now, Effects& out) {
    for (const PeerId owner : owners) {
      bool recognised = false;
      with(owner, now, out, [&](PeerPaths& paths, Step& step) {
        recognised = paths.on_pong(pong, from, step);
      });
      if (recognised) return;
    }
    count(around.drops.unknown_pong);
  }

  void advance(TimePoint now, Effects& out) {
    if (!wake_at || now < *wake_at) return;
    Step step{now, out, around};
    wake_at.reset();
    for (auto& [peer, known] : peers) {
      const auto due = known.paths.next_deadline();
      if (due && *due <= now) known.paths.advance(step);
      wake_at = earlier(wake_at, known.paths.next_deadline());
    }
  }

  static void count(std::uint64_t& reason) { ++reason; }

  Surroundings around;
  std::unordered_map<PeerId, Known> peers;
  std::unordered_map<NodePublicKey, PeerId> by_node;
  // No later than the earliest deadline of any peer; may be earlier, which costs an idle wake-up.
  std::optional<TimePoint> wake_at;
};

PathEngine::PathEngine(
    const DiscoPrivateKey& self, const NodePublicKey& self_node, Rng& rng, Options options)
    : core_(std::make_unique<Core>(self, self_node, rng, options)) {}
PathEngine::~PathEngine() = default;

DiscoPublicKey PathEngine::disco_key() const { return core_->around.sessions.self(); }

void PathEngine::upsert_peer(PeerId peer, const PeerPath& facts, TimePoint now, Effects& out) {
  core_->upsert(peer, facts, now, out);
}

void PathEngine::remove_peer(PeerId peer) { core_->remove(peer); }

void PathEngine::on_announced_disco_key(
    PeerId peer, const DiscoPublicKey& key, TimePoint now, Effects& out) {
  core_->with(peer, now, out, [&](PeerPaths& paths, Step& step) {
    if (!key.is_zero()) core_->set_key(peer, paths, key, step);
  });
}

void PathEngine::set_self_node(const NodePublicKey& self_node) {
  core_->around.self_node = self_node;
}

void PathEngine::set_silent(bool silent) { core_->around.silent = silent; }

void PathEngine::set_own_endpoints(std::vector<Endpoint> endpoints, TimePoint now, Effects& out) {
  OwnAddresses& own = core_->around.own;
  if (own.generation == 0 || !std::ranges::is_permutation(own.endpoints, endpoints)) {
    ++own.generation;
  }
  own.endpoints = std::move(endpoints);
  own.confirmed = now;
  core_->with_all(now, out, [](PeerPaths& paths, Step& step) { paths.on_own_endpoints(step); });
}

void PathEngine::link_changed(TimePoint now, Effects& out) {
  // Addresses of the old network would only mislead.
  core_->around.own.endpoints.clear();
  core_->around.own.confirmed.reset();
  out.wants_restun = true;
  core_->with_all(now, out, [](PeerPaths& paths, Step& step) { paths.link_changed(step); });
}

Route PathEngine::route(PeerId peer, TimePoint now) const {
  const Core::Known* known = core_->find(peer);
  return known ? known->paths.route(now) : Route{};
}

void PathEngine::note_traffic(PeerId peer, TimePoint now, Effects& out) {
  core_->with(peer, now, out, [](PeerPaths& paths, Step& step) { paths.note_traffic(step); });
}

void PathEngine::on_wireguard_heard(
    PeerId peer, const PathAddress& from, TimePoint now, Effects& out) {
  core_->with(peer, now, out, [&](PeerPaths& paths, Step& step) { paths.on_heard(from, step); });
}

void PathEngine::on_echo(const IpAddress& from, Duration latency, TimePoint now, Effects& out) {
  core_->with_all(
      now, out, [&](PeerPaths& paths, Step&) { paths.on_echo(from, latency); });
}

void PathEngine::on_unreachable(PeerId peer, const Endpoint& at, TimePoint now, Effects& out) {
  core_->with(
      peer, now, out, [&](PeerPaths& paths, Step& step) { paths.on_unreachable(at, step); });
}

void PathEngine::on_peer_gone(const NodePublicKey& node, RegionId region) {
  const auto found = core_->by_node.find(node);
  if (found == core_->by_node.end()) return;
  if (Core::Known* known = core_->find(found->second)) known->paths.on_gone_from(region);
}

void PathEngine::on_disco(
    Bytes datagram, const PathAddress& from, const std::optional<NodePublicKey>& relay_sender,
    TimePoint now, Effects& out) {
  core_->on_disco(datagram, from, relay_sender, now, out);
}

void PathEngine::cli_ping(PeerId peer, PingId id, std::size_t size, TimePoint now, Effects& out) {
  if (!core_->find(peer)) out.pings_done.push_back({id, peer, std::nullopt, {}});
  core_->with(
      peer, now, out, [&](PeerPaths& paths, Step& step) { paths.cli_ping(id, size, step); });
}

void PathEngine::probe(PeerId peer, PingId id, TimePoint now, Effects& out) {
  if (!core_->find(peer)) out.pings_done.push_back({id, peer, std::nullopt, {}});
  core_->with(peer, now, out, [&](PeerPaths& paths, Step& step) { paths.probe(id, step); });
}

void PathEngine::advance(TimePoint now, Effects& out) { core_->advance(now, out); }

std::optional<TimePoint> PathEngine::next_deadline() const { return core_->wake_at; }

std::optional<PathStatus> PathEngine::status(PeerId peer, TimePoint now) const {
  const Core::Known* known = core_->find(peer);
  if (!known) return std::nullopt;
  return known->paths.status(now);
}

bool PathEngine::any_active(TimePoint now) const {
  return std::ranges::any_of(
      core_->peers, [&](const auto& entry) { return entry.second.paths.active(now); });
}

bool PathEngine::wants_disco_announcement(PeerId peer) const {
  const Core::Known* known = core_->find(peer);
  return known && known->paths.capability_version() >= kAnnouncementCapability;
}

const Drops& PathEngine::drops() const { return core_->around.drops; }

}  // namespace aya::path
