// The rules of a policy, prepared: selectors by number, what is asked of every rule said once.
// Private to the room.
#pragma once

#include "coord-server/policy/resolver.h"
#include "coord-server/policy/rule_mask.h"

namespace aya::policy {

using policy_file::AccessRule;
using SelectorId = Resolver::SelectorId;

struct Rule {
  const AccessRule* written = nullptr;
  std::vector<SelectorId> src, dst;  // dst without those below
  bool from_all = false;             // "*": every node and what they route
  bool to_all = false, to_self = false, to_internet = false;
  AddressSet literal_src, literal_dst;  // addresses that are named, not those of nodes
  std::vector<const std::vector<policy_file::PostureCondition>*> postures;  // one must hold

  bool has_via() const { return !written->via.empty(); }
};

// How one device stands to every rule.
struct Standing {
  RuleMask src;      // it, or a network behind it, is a source
  RuleMask dst;      // it, what it routes, or a service it answers for is a destination
  RuleMask dst_own;  // the device itself is
  RuleMask self;     // a destination for the devices of its owner
  friend bool operator==(const Standing&, const Standing&) = default;
};

std::vector<Rule> prepare(const PolicyFile& policy, Resolver& resolver);
bool carries_a_tag_of(const Device& device, const std::vector<std::string>& tags);
bool meets_postures(const Rule& rule, const Device& device);
Standing standing_of(
    const std::vector<Rule>& rules, const Resolver& resolver, const Device& device,
    const Person* owner);
std::vector<Prefix> subnets_of(const Device& device);  // its routes but the default ones

}  // namespace aya::policy
