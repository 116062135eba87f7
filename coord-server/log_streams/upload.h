// Lines of a log as a request that their receiver understands, and what its answer means. Pure.
#pragma once

#include <span>

#include "coord-server/delivery/message.h"
#include "coord-server/log_streams/destinations.h"
#include "coord-server/log_streams/log_line.h"

namespace aya::log_streams {

struct Upload {
  delivery::Message message;
  std::size_t lines = 0;  // of those given, from the first on: as many as fit
};

// `lines`: at least one.
Upload make_upload(
    const LogDestination& to, std::string_view log, const std::string& tailnet,
    std::span<const LogLine> lines, WallTime now);

// Why it was not taken; empty: it was. Some receivers say so in the answer only.
std::string refusal_in(const LogDestination& to, const delivery::Outcome& outcome);

}  // namespace aya::log_streams
