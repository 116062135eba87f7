#include "daemon/app/peer_service.h"

#include <algorithm>

#include "daemon/app/map_meaning.h"
#include "daemon/app/status_view.h"
#include "daemon/netmap/expiry.h"

namespace aya::app {

PeerService::PeerService(io::Loop& loop, NameService& names, dataplane::Dataplane& plane)
    : loop_(loop), names_(names), plane_(plane), link_(loop, *this) {}

bool PeerService::apply(const netmap::State& state, const local::Prefs& prefs) {
  const auto before = services();
  state_ = &state;
  offers_exit_ = std::ranges::count(prefs.advertise_routes, 0u, &Prefix::length) == 2;
  const control::Node& self = state.netmap.self;
  const bool offer = !prefs.shields_up && !netmap::self_is_expired(state, loop_.wall_now());
  link_.listen_on(offer ? addresses_of(self) : std::vector<IpAddress>{});
  plane_.set_peer_api(link_.listeners());
  return services() != before;
}

std::vector<control::Service> PeerService::services() const {
  std::vector<control::Service> out;
  for (const Endpoint& at : link_.listeners()) {
    out.push_back({at.address.is_v4() ? "peerapi4" : "peerapi6", at.port, ""});
  }
  if (!out.empty() && offers_exit_) out.push_back({"peerapi-dns-proxy", 1, ""});
  return out;
}

std::optional<peerapi::Caller> PeerService::who_is(const IpAddress& address) {
  if (state_ == nullptr) return std::nullopt;
  const control::Node* peer = find_node(state_->netmap, address);
  const bool welcome = peer != nullptr && peer != &state_->netmap.self && !peer->is_jailed &&
                       !netmap::peer_is_expired(*peer, *state_, loop_.wall_now());
  if (!welcome) return std::nullopt;
  peerapi::Caller out;
  out.address = address;
  out.node_name = display_name(*peer);
  if (const auto* user = state_->netmap.profile(peer->user)) out.user_name = user->display_name;
  out.is_own = peer->user == state_->netmap.self.user;
  out.may_resolve = may_resolve(*peer, address);
  out.we_are_known_by = addresses_of(state_->netmap.self);
  for (const auto& alias :
       {peer->self_v4_masq_addr_for_this_peer, peer->self_v6_masq_addr_for_this_peer}) {
    if (alias) out.we_are_known_by.push_back(*alias);
  }
  return out;
}

// Devices of the same person may; others if they might send packets to the Internet through us.
bool PeerService::may_resolve(const control::Node& peer, const IpAddress& address) const {
  const control::Node& self = state_->netmap.self;
  const bool tagged = !self.tags.empty() || !peer.tags.empty();
  if (peer.user == self.user && !tagged) return true;
  if (!offers_exit_) return false;
  filter::PacketView packet;
  packet.version = address.is_v4() ? 4 : 6;
  packet.protocol = filter::kTcp;
  packet.source = {address, 1};
  // What stands for the Internet as a whole: the first of its addresses.
  packet.destination = {
      address.is_v4() ? IpAddress::v4(0) : *IpAddress::parse("2000::"), dns::kDnsPort};
  const auto routed = local_destinations(self);
  const bool approved = std::ranges::any_of(routed, [&](const Prefix& prefix) {
    return prefix.length == 0 && prefix.address.is_v4() == address.is_v4();
  });
  return approved && plane_.packet_filter().rules().allows_port(packet);
}

std::vector<std::string> PeerService::filtered_names() {
  if (state_ == nullptr || !state_->netmap.dns) return {};
  return state_->netmap.dns->exit_node_filtered_set;
}

void PeerService::resolve(Bytes query, Reply reply) {
  names_.ask(query, dns::Forwarder::For::Peer, std::move(reply));
}

}  // namespace aya::app
