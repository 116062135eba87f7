#include "proto/keys/wireguard_text.h"

#include "proto/base/base64.h"

namespace aya::key_text {
namespace {

std::optional<std::array<std::byte, NodePublicKey::kSize>> parse_raw(std::string_view text) {
  const auto bytes = parse_base64(text);
  std::array<std::byte, NodePublicKey::kSize> raw;
  if (!bytes || bytes->size() != raw.size()) return std::nullopt;
  copy_bytes(raw, *bytes);
  return raw;
}

}  // namespace

std::string wireguard_form(const NodePublicKey& key) { return to_base64(key.bytes()); }

std::optional<NodePublicKey> parse_wireguard(std::string_view text) {
  const auto raw = parse_raw(text);
  if (!raw) return std::nullopt;
  return NodePublicKey(*raw);
}

std::optional<NodePrivateKey> parse_wireguard_private(std::string_view text) {
  const auto raw = parse_raw(text);
  if (!raw) return std::nullopt;
  return NodePrivateKey(crypto::Key32(*raw));
}

}  // namespace aya::key_text
