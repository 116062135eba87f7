// Public keys, one type per role, so that no key can stand where another belongs (control 1).
//
//   auto key = NodePublicKey::parse("nodekey:…64 hex…");
//   key->to_text();        "nodekey:…"
//   key->short_text();     "[AbCd1]", for logs
#pragma once

#include <array>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"

namespace aya {

namespace key_text {

// "<prefix><64 hex digits>"; writers emit lower case, readers take both.
std::string format(std::string_view prefix, Bytes raw);
bool parse(std::string_view prefix, std::string_view text, MutableBytes out);
std::string short_form(Bytes raw);   // "[" + five characters of base64 + "]"
std::string disco_short(Bytes raw);  // "d:" + sixteen hex digits

}  // namespace key_text

struct NodeRole {
  static constexpr std::string_view kPublicPrefix = "nodekey:";
};
struct MachineRole {
  static constexpr std::string_view kPublicPrefix = "mkey:";
};
struct DiscoRole {
  static constexpr std::string_view kPublicPrefix = "discokey:";
};
struct ChallengeRole {
  static constexpr std::string_view kPublicPrefix = "chalpub:";
};

template <class Role>
class PublicKey {
 public:
  static constexpr std::size_t kSize = 32;

  constexpr PublicKey() = default;  // the zero key, which means "none"
  explicit PublicKey(std::span<const std::byte, kSize> raw) { copy_bytes(raw_, raw); }

  static std::optional<PublicKey> parse(std::string_view text) {
    PublicKey out;
    if (!key_text::parse(Role::kPublicPrefix, text, out.raw_)) return std::nullopt;
    return out;
  }
  std::string to_text() const { return key_text::format(Role::kPublicPrefix, raw_); }
  std::string short_text() const {
    if constexpr (std::is_same_v<Role, DiscoRole>) {
      return key_text::disco_short(raw_);
    } else {
      return key_text::short_form(raw_);
    }
  }

  std::span<const std::byte, kSize> bytes() const { return raw_; }
  bool is_zero() const { return raw_ == std::array<std::byte, kSize>{}; }

  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;

 private:
  std::array<std::byte, kSize> raw_{};
};

using NodePublicKey = PublicKey<NodeRole>;
using MachinePublicKey = PublicKey<MachineRole>;
using DiscoPublicKey = PublicKey<DiscoRole>;
using ChallengePublicKey = PublicKey<ChallengeRole>;

}  // namespace aya

template <class Role>
struct std::hash<aya::PublicKey<Role>> {
  // Keys of others are chosen by others: hash all of it, never a slice.
  std::size_t operator()(const aya::PublicKey<Role>& key) const noexcept {
    return std::hash<std::string_view>{}(aya::as_text(key.bytes()));
  }
};
