// `ayatorid --cleanup`: gives the host back what a killed daemon had changed and could not undo:
// routing rules and routes, the firewall and rules in other programs' chains, kernel settings, the
// resolver. Needs no daemon, and refuses to work under a living one. Right however often it is
// called, also where there is nothing to undo.
//
// The kill switch outlives the daemon on purpose, and ends with --disarm only. Blocks on the
// kernel, the disk and other programs.
#pragma once

#include "daemon/app/options.h"

namespace aya::app {

// Tells on stdout what was undone, on stderr what could not be. Returns the exit code.
int clean_up(const Options& options);

}  // namespace aya::app
