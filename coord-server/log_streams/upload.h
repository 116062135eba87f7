// Lines of the audit log as a request that their receiver understands, and what its answer means.
// Pure.
//
// Every entry says its number and its hash in the chain of the log: so whoever receives one twice,
// after a crash at the wrong moment, can tell; and so the chain's hashes are kept elsewhere, too.
#pragma once

#include <span>

#include "coord-server/delivery/message.h"
#include "coord-server/log_streams/destinations.h"
#include "coord-server/store/audit.h"

namespace aya::log_streams {

struct Upload {
  delivery::Message message;
  std::size_t lines = 0;  // of those given, from the first on: as many as fit
};

// `lines`: at least one.
Upload make_upload(
    const LogDestination& to, const std::string& tailnet, std::span<const store::AuditLine> lines,
    WallTime now);

// Why it was not taken; empty: it was. Some receivers say so in the answer only.
std::string refusal_in(const LogDestination& to, const delivery::Outcome& outcome);

}  // namespace aya::log_streams
