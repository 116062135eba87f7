// The verbs, in the order in which the help lists them. Each is a function in the file of its name.
#pragma once

#include <span>

#include "cli/command.h"

namespace aya::cli {

std::span<const Command> command_table();

Outcome debug(Context&, const Arguments&);
Outcome down(Context&, const Arguments&);
Outcome exit_node(Context&, const Arguments&);
Outcome get(Context&, const Arguments&);
Outcome ip(Context&, const Arguments&);
Outcome logout(Context&, const Arguments&);
Outcome netcheck(Context&, const Arguments&);
Outcome ping(Context&, const Arguments&);
Outcome set(Context&, const Arguments&);
Outcome set_exit_node(Context&, const Arguments&);
Outcome status(Context&, const Arguments&);
Outcome up(Context&, const Arguments&);
Outcome version(Context&, const Arguments&);
Outcome wait(Context&, const Arguments&);
Outcome whoami(Context&, const Arguments&);
Outcome whois(Context&, const Arguments&);

}  // namespace aya::cli
