// Do the relays of a map answer this machine? Each node is dialled as clients dial it, with TLS and
// the certificate that the map asks for, and asked for its STUN answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coord-server/commands/failure.h"
#include "proto/base/result.h"
#include "proto/packet/path_address.h"

namespace aya::coord {

struct RelayCheck {
  struct Answer {
    bool well = true;
    std::string text = "-";  // "12.3 ms", or what is wrong; "-": nothing to ask
  };
  RegionId region = 0;
  std::string node;
  Answer relay, stun;
};

// All at the same time; takes a few seconds where something does not answer. `map`: a DERP map as
// JSON.
Result<std::vector<RelayCheck>, Failure> check_relays(std::string_view map);

}  // namespace aya::coord
