// What is known of a device that a posture can ask for (interfaces 1.4, 5.1): what it says of
// itself, and what administrators say about it. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "coord-server/store/records.h"

namespace aya::nodes {

// "1.96.2-t0123456789" is version 1.96.2.
std::string short_version(std::string_view client);
// Odd minor versions are of the "unstable" track, all others "stable".
std::string_view release_track(std::string_view version);

// May a machine say this of itself: "self:" and a plain name of at most 50 characters?
bool is_own_attribute(std::string_view name);

// By name: "node:os", "custom:tier". Values as a condition compares them: texts bare, numbers and
// true or false as JSON writes them.
std::map<std::string, std::string, std::less<>> posture_of(const store::NodeRecord& node);

}  // namespace aya::nodes
