#include "proto/derp/relay_key.h"

#include <limits>

#include "proto/base/hex.h"

namespace aya::derp {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

}  // namespace

std::optional<MeshKey> MeshKey::parse(std::string_view text) {
  MeshKey out;
  if (!parse_hex_into(trimmed(text), out.secret_.mutable_bytes())) return std::nullopt;
  return out;
}

std::string MeshKey::to_text_for_seal() const { return to_hex(secret_.bytes()); }

bool MeshKey::matches(const MeshKey& other) const {
  if (is_zero() || other.is_zero()) return false;
  return crypto::equal_in_constant_time(secret_.bytes(), other.secret_.bytes());
}

bool is_meta_certificate_name(std::string_view common_name) {
  return common_name.starts_with(RelayRole::kPublicPrefix);
}

Result<MetaCertificate, ParseError> parse_meta_certificate(
    std::string_view common_name, std::uint64_t serial) {
  if (!is_meta_certificate_name(common_name)) return ParseError::BadMagic;
  const auto relay = RelayPublicKey::parse(common_name);
  if (!relay) return ParseError::BadEncoding;
  if (relay->is_zero() || serial == 0 || serial > std::numeric_limits<std::uint8_t>::max()) {
    return ParseError::BadValue;
  }
  return MetaCertificate{*relay, static_cast<std::uint8_t>(serial)};
}

}  // namespace aya::derp
