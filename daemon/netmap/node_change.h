// How one node becomes its next version (control 6.6 and 14). Private to this room.
#pragma once

#include <optional>

#include "proto/control/node.h"

namespace aya::netmap {

// Old forms into the present ones: the legacy DERP text, implied AllowedIPs, listed capabilities.
void normalize(control::Node& node);

void apply(const control::PeerChange& change, control::Node& node);

// The patch that a whole node amounts to, if it differs from the known one only in what patches can
// carry; nullopt where it has to replace it. Absent Online, LastSeen, Endpoints, relay, version and
// signature do not differ: deployed nodes treat them so, and servers have learnt to say what they
// mean.
std::optional<control::PeerChange> reduce_to_patch(
    const control::Node& known, const control::Node& next);

// A patch that carries a disco key from before the peer's last restart: it says the peer is offline
// and was not seen later than we know it was. Such a patch is dropped whole.
bool is_stale(const control::PeerChange& change, const control::Node& known);

// The same question for a node in a full list, where only the key and the time are kept.
bool has_stale_disco_key(const control::Node& next, const control::Node& known);

}  // namespace aya::netmap
