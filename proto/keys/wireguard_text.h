// Keys as WireGuard's own tools write them: base64 of the 32 bytes, 44 characters.
#pragma once

#include "proto/keys/private_key.h"

namespace aya::key_text {

std::string wireguard_form(const NodePublicKey& key);
std::optional<NodePublicKey> parse_wireguard(std::string_view text);
// For reading a file that its owner has at hand; such a key is never written again.
std::optional<NodePrivateKey> parse_wireguard_private(std::string_view text);

}  // namespace aya::key_text
