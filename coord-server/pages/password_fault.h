// Why a password will not do, as its owner is told. Private to the room.
#pragma once

#include "coord-server/pages/html.h"
#include "coord-server/people/password_rules.h"

namespace aya::pages {

std::string_view fault_text(const Tongue& say, people::PasswordFault fault);

}  // namespace aya::pages
