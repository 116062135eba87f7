#include "daemon/tunnel/engine.h"

namespace aya::tunnel {

void Tunnel::Engine::rearm(Peer& peer) {
  if (const auto at = peer.timers.earliest()) timers.arm(peer.id, *at);
}

void Tunnel::Engine::advance(TimePoint now, Effects& out) {
  while (const auto id = timers.take_due(now)) {
    Peer& peer = *peer_at(*id);
    const TimersDue due = peer.timers.advance(now);
    if (due.silent) out.silent.push_back(peer.id);
    if (due.give_up) drop(Drop::GaveUp, staging_.clear(peer.staged));
    if (due.wipe) {
      drop_pending(peer);
      drop_sessions(peer);
      drop(Drop::GaveUp, staging_.clear(peer.staged));
    }
    if (due.retry_handshake) initiate(peer, true, now, out);
    if (due.new_handshake) initiate(peer, false, now, out);
    if (due.keepalive) send_keepalive(peer, now, out);
    rearm(peer);
  }
  retired_.clear();
}

void Tunnel::Engine::peer_restarted(PeerId id, TimePoint now, Effects& out) {
  Peer* peer = peer_at(id);
  if (peer == nullptr) return;
  const bool is_wanted = peer->keypairs.current != nullptr || !peer->staged.empty();
  drop_pending(*peer);
  drop_sessions(*peer);
  retired_.clear();
  peer->handshake_sent_at.reset();
  peer->timers.stop_all_but_persistent();
  if (!is_wanted) return;
  peer->timers.hurry();
  initiate(*peer, false, now, out);
}

}  // namespace aya::tunnel
