// Finding and listing exit nodes: whom a person means, why a node cannot be one, and the table.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "proto/local/exit_nodes.h"
#include "proto/local/status.h"

namespace aya::cli {

struct ExitNodeChoice {
  std::string choice;                       // as local::with_exit_node_choice() takes it
  const local::PeerStatus* node = nullptr;  // the one that is meant, where it is known now
};

// `who`: a name, an address, a stable id or the beginning of a name that only one has; "auto" and
// "auto:any"; "none", "off" and ""; "-" for the previous one. Refused where it may not be one, with
// what to do about it (interfaces 3.5).
Result<ExitNodeChoice, Failure> choose_exit_node(
    const local::Status& status, const local::ExitNodes& known, std::string_view who);

// Those a person may choose, online ones first, then by name.
std::vector<const local::PeerStatus*> exit_node_peers(const local::Status& status);

// "beta.mesh.example (100.64.0.2)"
std::string exit_node_title(const local::PeerStatus& node);

// What the daemon knows of them; with `probe`, after it has asked them all, for a second at most.
Result<local::ExitNodes, Failure> known_exit_nodes(Context& context, bool probe);

struct ExitNodeTable {
  std::string country;  // only those there; empty: the best of every city
  bool latencies = false;
  WallTime now{};
};
// The stock table, column by column; ours has one more, at the end. Empty: nobody is to be listed.
std::string exit_node_table(
    const local::Status& status, const local::ExitNodes& known, const ExitNodeTable& wanted);

}  // namespace aya::cli
