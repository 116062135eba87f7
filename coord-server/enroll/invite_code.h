// The code in a link by which a machine is shared or a person is invited: 128 bits that are worked
// out from a nonce and a secret of the server. The database keeps the nonce, so that administrators
// can be shown the link again, and whoever reads the table of invitations cannot accept one. Pure
// but for load_invite_secret().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coord-server/store/store.h"
#include "proto/base/rng.h"

namespace aya::enroll {

// Each use has a secret of its own, made once and kept under `name`.
store::Stored<store::SecretHash> load_invite_secret(
    store::Store& storage, std::string_view name, Rng& rng);

std::string invite_code(const store::SecretHash& secret, const store::SecretHash& nonce);

// From what a person pastes: the code alone, or a link that ends in it.
std::optional<std::string> code_in(std::string_view pasted);

}  // namespace aya::enroll
