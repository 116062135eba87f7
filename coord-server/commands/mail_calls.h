// What commands have in common that make the server send mail. For .cpp files only.
#pragma once

#include "coord-server/commands/json.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {

// Has a mail sent once more.
Done resend(const Invocation& call, const std::string& path);
// Of an invitation: the day on which a mail about it was last taken, "waiting", or nothing.
std::string mailed_text(const Json& invite);

}  // namespace aya::coord
