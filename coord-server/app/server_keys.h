// The two keys by which nodes know this server: one of its control protocol, one of its relay. Made
// once and kept in the database; losing the first strands every node until it is restarted.
#pragma once

#include "coord-server/store/store.h"
#include "proto/derp/relay_key.h"

namespace aya::coord {

struct ServerKeys {
  MachinePrivateKey noise;
  derp::RelayPrivateKey relay;
};

// Makes what is not there.
store::Stored<ServerKeys> load_server_keys(store::Store& storage, Rng& rng);

}  // namespace aya::coord
