// What the engine knows of one peer. The rare parts (sessions, a handshake under way) are owned
// elsewhere and absent on an idle peer: there may be ten thousand of them.
#pragma once

#include <memory>

#include "daemon/tunnel/peer_timers.h"
#include "daemon/tunnel/session.h"
#include "daemon/tunnel/staging.h"
#include "daemon/tunnel/tunnel.h"
#include "proto/wireguard/macs.h"

namespace aya::tunnel {

// Our initiation, until it is answered or replaced.
struct PendingInitiation {
  noise::Ikpsk2Initiator noise;
  std::uint32_t index;
};

struct HeldCookie {
  wireguard::Cookie cookie;
  TimePoint until;
};

//             derived as initiator                       derived as responder
//   previous <- next, or else current         previous <- nothing
//   current  <- the new one                   current stays
//   next     <- nothing                       next <- the new one
//
// A responder does not seal with `next` before it has opened something with it: only then is it
// known that the initiator got the response. Then previous <- current <- next <- nothing.
struct Keypairs {
  std::unique_ptr<Session> previous, current, next;
};

struct Peer {
  Peer(PeerId number, const PeerConfig& from)
      : id(number), config(from), mac_keys(wireguard::mac_keys_of(from.public_key)) {}

  PeerId id;
  PeerConfig config;
  wireguard::MacKeys mac_keys;      // for what we send to it
  std::optional<crypto::Key32> ss;  // static-static secret, computed at first use
  PeerTimers timers;
  Keypairs keypairs;
  std::unique_ptr<PendingInitiation> pending;
  Staging::Queue staged;

  wireguard::Mac last_mac1{};    // of the last handshake message sent
  bool cookie_may_come = false;  // one reply to it is believed
  std::optional<HeldCookie> cookie;
  noise::Timestamp newest_timestamp{};  // of its initiations; older ones are replays
  std::optional<TimePoint> initiation_taken_at;
  std::optional<TimePoint> handshake_sent_at;

  std::uint64_t rx_bytes = 0, tx_bytes = 0;
  std::optional<WallTime> last_handshake;

  // What the current call of open() has seen of it.
  struct Batch {
    bool heard = false;
    bool data = false;
    PathAddress from;
    std::uint64_t packets = 0, bytes = 0;
  } batch;
};

}  // namespace aya::tunnel
