// `ayatori` from its command line to its exit status: which verb, which socket, strict or not.
//
//   ayatori [--socket PATH] VERB [flags] [arguments]      the socket option may stand anywhere
//
// Called by the name `tailscale` it keeps that program's exit codes and texts (interfaces 3.1).
#pragma once

#include <string>
#include <vector>

#include "cli/console.h"

namespace aya::cli {

inline constexpr const char* kDefaultSocket = "/run/ayatori/ayatorid.sock";

// `argv` with the program at its front. The exit status.
int run_program(Console& console, const std::vector<std::string>& argv);

}  // namespace aya::cli
