// What a caller may do, as words (interfaces 1.3): "dns" is to change, "dns:read" to look, and the
// first implies the second. "all" is everything, "all:read" to look at everything. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aya::api {

// Does one of `held` imply `wanted`?
bool grants(std::span<const std::string> held, std::string_view wanted);

// A word of the vocabulary, spelled as ours are; empty for any other.
std::string canonical_scope(std::string_view text);

// What a person of this role may do (6.4). Members get nothing by scope: see Caller::own_only.
std::vector<std::string> scopes_of_role(std::string_view role);

}  // namespace aya::api
