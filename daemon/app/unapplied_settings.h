// Settings that are stored, shown and told to the server, but that this version of the node does
// not act on. Whoever chose one must hear that in `status`, or would rely on what is not there. The
// list shrinks as the node learns.
#pragma once

#include <vector>

#include "proto/local/notify.h"
#include "proto/local/prefs.h"

namespace aya::app {

// Empty for default settings.
std::vector<local::HealthWarning> unapplied_settings(const local::Prefs& prefs);

}  // namespace aya::app
