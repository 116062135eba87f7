// "HOST:PORT" from a person: addresses of a name are looked up here and now.
#pragma once

#include <string>
#include <vector>

#include "coord-server/commands/failure.h"
#include "proto/base/result.h"
#include "proto/netaddr/endpoint.h"

namespace aya::coord {

// Never empty.
Result<std::vector<Endpoint>, Failure> endpoint_argument(const std::string& text);

}  // namespace aya::coord
