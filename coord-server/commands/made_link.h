// What is said of a link that was just made: mailed, or for a person to pass on. For .cpp files.
#pragma once

#include <functional>

#include "coord-server/commands/json.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {

// `answer`: the API's, an array of one invitation. `sentence` says what the link is good for, given
// the invitation and the day on which it ends. With --json or -q only the invitation, or its link.
Done show_made_link(
    const Invocation& call, const AdminClient::Reply& answer,
    const std::function<std::string(const Json& invite, const std::string& until)>& sentence);

}  // namespace aya::coord
