// What is different between two policies, by meaning: rules added and taken away, names that mean
// something else. Order of rules, comments and layout do not count. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aya::coord {

// Lines "+ acls {…}" and "- groups.group:dev […]", section by section; empty: they mean the same.
// Texts that are no policy count as empty ones.
std::vector<std::string> policy_changes(std::string_view before, std::string_view after);

}  // namespace aya::coord
