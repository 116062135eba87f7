// The verbs, in the order in which the help lists them. Each is a function in the file of its name.
#pragma once

#include <span>

#include "cli/command.h"

namespace aya::cli {

std::span<const Command> command_table();
const Command* find_command(std::string_view name);

Outcome bugreport(Context&, const Arguments&);
Outcome cert(Context&, const Arguments&);
Outcome completion(Context&, const Arguments&);
Outcome debug(Context&, const Arguments&);
Outcome dns(Context&, const Arguments&);
Outcome down(Context&, const Arguments&);
Outcome exit_node(Context&, const Arguments&);
Outcome file(Context&, const Arguments&);
Outcome funnel(Context&, const Arguments&);
Outcome get(Context&, const Arguments&);
Outcome ip(Context&, const Arguments&);
Outcome lock(Context&, const Arguments&);
Outcome login(Context&, const Arguments&);
Outcome logout(Context&, const Arguments&);
Outcome metrics(Context&, const Arguments&);
Outcome nc(Context&, const Arguments&);
Outcome netcheck(Context&, const Arguments&);
Outcome not_built(Context&, const Arguments&);
Outcome ping(Context&, const Arguments&);
Outcome serve(Context&, const Arguments&);
Outcome set(Context&, const Arguments&);
Outcome set_exit_node(Context&, const Arguments&);
Outcome status(Context&, const Arguments&);
Outcome switch_login(Context&, const Arguments&);
Outcome up(Context&, const Arguments&);
Outcome version(Context&, const Arguments&);
Outcome wait(Context&, const Arguments&);
Outcome whoami(Context&, const Arguments&);
Outcome whois(Context&, const Arguments&);

}  // namespace aya::cli
