// Finding and naming nodes in a status: the way a person says who is meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "proto/local/status.h"

namespace aya::cli {

// The peer, or this machine itself, that `who` means: an address, a full name with or without its
// final dot, a first label, a host name, a stable id; names in any case. Refused where nobody or
// more than one is meant.
Result<const local::PeerStatus*, Failure> find_node(
    const local::Status& status, std::string_view who);

// The name within the own network: "bravo" for "bravo.lab.example."; the quoted host name of nodes
// without one. Safe to print.
std::string short_name(const local::Status& status, const local::PeerStatus& node);

std::string owner_name(const local::Status& status, const local::PeerStatus& node);

// ", last seen 3h ago"; empty where that is not known.
std::string last_seen(const local::PeerStatus& peer, WallTime now);

// By host name, then id.
std::vector<const local::PeerStatus*> sorted_peers(const local::Status& status);

// Why nothing can be asked of the network now, or success. The sentence goes to stdout, as it does
// in the stock program.
Outcome expect_running(Context& context, const local::Status& status);

}  // namespace aya::cli
