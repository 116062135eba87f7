// One pair of transport keys and what is known only while they live.
#pragma once

#include "daemon/tunnel/replay_window.h"
#include "proto/base/time.h"
#include "proto/noise/symmetric_state.h"
#include "proto/packet/peer_id.h"
#include "proto/wireguard/constants.h"

namespace aya::tunnel {

struct Session {
  PeerId peer;
  noise::SessionKeys keys;
  std::uint32_t local_index = 0;   // the peer addresses us with it
  std::uint32_t remote_index = 0;  // and we the peer with this
  TimePoint born{};
  bool is_ours = false;   // we initiated it, so renewing it is up to us
  bool renewing = false;  // and what we received has already made us do so
  std::uint64_t next_counter = 0;
  ReplayWindow replay;

  bool opens(TimePoint now) const { return now - born < wireguard::kRejectAfterTime; }
  bool seals(TimePoint now) const {
    return opens(now) && next_counter < wireguard::kRejectAfterMessages;
  }
  bool wants_renewal_on_send(TimePoint now) const {
    return next_counter > wireguard::kRekeyAfterMessages ||
           (is_ours && now - born > wireguard::kRekeyAfterTime);
  }
  bool wants_renewal_on_receive(TimePoint now) const {
    return is_ours && !renewing && now - born > wireguard::kRekeyAfterTimeReceiving;
  }
  void retire_from_sealing() { next_counter = wireguard::kRejectAfterMessages; }
};

}  // namespace aya::tunnel
