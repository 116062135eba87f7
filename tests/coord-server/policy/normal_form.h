// Filters, SSH rules and capabilities in a form in which those that mean the same are equal,
// whatever the order and grouping of rules, addresses and ports (the README of the vectors).
#pragma once

#include <set>
#include <string>

#include "coord-server/policy/engine.h"
#include "tests/support/test_vectors.h"

namespace aya::test {

using Facts = std::set<std::string>;

Facts facts_of(const control::FilterRules& rules);
Facts facts_of(const std::vector<control::SshRule>& rules);

// The same from the JSON of the vectors.
control::FilterRules filter_of(const Json& rules);
std::vector<control::SshRule> ssh_of(const Json& rules);

// What a node reports about a peer: capability names with their values.
Json capabilities_between(
    const control::FilterRules& filter, const policy::Device& self, const policy::Device& peer);

policy::AddressSet address_set(const std::vector<std::string>& texts);

}  // namespace aya::test
