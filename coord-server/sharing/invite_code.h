// The code in a link by which a machine is shared: 128 bits that are worked out from a nonce and a
// secret of the server. The database keeps the nonce, so that administrators can be shown the link
// again, and whoever reads the table of invitations cannot accept one. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coord-server/store/sharing.h"

namespace aya::sharing {

std::string invite_code(const store::SecretHash& secret, const store::SecretHash& nonce);

// From what a person pastes: the code alone, or a link that ends in it.
std::optional<std::string> code_in(std::string_view pasted);

}  // namespace aya::sharing
