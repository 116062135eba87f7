// JSON from strangers that decides about identities: a name may occur once in an object, and
// nesting has an end, so that two readers cannot see two things in one text. For .cpp files only.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace aya::oidc {

inline constexpr std::size_t kLongestToken = 16 * 1024;
inline constexpr std::size_t kLongestDocument = 256 * 1024;

using Json = nlohmann::json;

// An object, or nothing.
std::optional<Json> parse_object(std::string_view text, std::size_t longest);

// Empty where there is no such text.
std::string text_at(const Json& object, const char* name);
// A list of texts, or one text; empty where there is neither.
std::vector<std::string> texts_at(const Json& object, const char* name);

}  // namespace aya::oidc
