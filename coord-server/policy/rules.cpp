#include "coord-server/policy/rules.h"

#include <algorithm>

namespace aya::policy {
namespace {

using Want = Selector::Kind;

void prepare_source(const Selector& selector, SelectorId id, const Resolver& resolver, Rule& out) {
  out.src.push_back(id);
  out.from_all = out.from_all || selector.is(Want::Any);
  out.literal_src.add(resolver.literal(id));
}

void prepare_destination(
    const Selector& selector, SelectorId id, const Resolver& resolver, Rule& out) {
  if (selector.is(Want::Self)) {
    out.to_self = true;
  } else if (selector.is(Want::Internet)) {
    out.to_internet = true;
  } else {
    out.dst.push_back(id);
    out.to_all = out.to_all || selector.is(Want::Any);
    out.literal_dst.add(resolver.literal(id));
  }
}

bool is_source(
    const Rule& rule, const Resolver& resolver, const Device& device, const Person* owner,
    const std::vector<Prefix>& subnets) {
  const bool itself = std::ranges::any_of(
      rule.src, [&](SelectorId id) { return resolver.matches(id, device, owner); });
  if (itself) return meets_postures(rule, device);
  return std::ranges::any_of(
      subnets, [&](const Prefix& subnet) { return rule.literal_src.overlaps(subnet); });
}

bool routes_there(const Rule& rule, const Device& device, const std::vector<Prefix>& subnets) {
  if (rule.has_via() && !carries_a_tag_of(device, rule.written->via)) return false;
  if (rule.to_internet && device.is_exit_node()) return true;
  return std::ranges::any_of(
      subnets, [&](const Prefix& subnet) { return rule.literal_dst.overlaps(subnet); });
}

}  // namespace

std::vector<Prefix> subnets_of(const Device& device) {
  std::vector<Prefix> out = device.routes;
  std::erase_if(out, [](const Prefix& route) { return route.length == 0; });
  return out;
}

bool carries_a_tag_of(const Device& device, const std::vector<std::string>& tags) {
  return std::ranges::any_of(
      tags, [&](const std::string& tag) { return std::ranges::count(device.tags, tag) > 0; });
}

bool meets_postures(const Rule& rule, const Device& device) {
  if (rule.postures.empty()) return true;
  return std::ranges::any_of(rule.postures, [&](const auto* conditions) {
    return std::ranges::all_of(*conditions, [&](const policy_file::PostureCondition& one) {
      return policy_file::meets(device.posture, one);
    });
  });
}

std::vector<Rule> prepare(const PolicyFile& policy, Resolver& resolver) {
  std::vector<Rule> out;
  for (const AccessRule& written : policy.rules) {
    Rule& rule = out.emplace_back();
    rule.written = &written;
    for (const Selector& source : written.src) {
      prepare_source(source, resolver.intern(source), resolver, rule);
    }
    for (const Selector& destination : written.dst) {
      prepare_destination(destination, resolver.intern(destination), resolver, rule);
    }
    const auto& postures =
        written.src_posture.empty() ? policy.default_src_posture : written.src_posture;
    for (const std::string& name : postures) rule.postures.push_back(&policy.postures.at(name));
  }
  return out;
}

Standing standing_of(
    const std::vector<Rule>& rules, const Resolver& resolver, const Device& device,
    const Person* owner) {
  const std::size_t count = rules.size();
  Standing out{RuleMask(count), RuleMask(count), RuleMask(count), RuleMask(count)};
  const std::vector<Prefix> subnets = subnets_of(device);
  for (std::size_t i = 0; i < count; ++i) {
    const Rule& rule = rules[i];
    if (is_source(rule, resolver, device, owner, subnets)) out.src.set(i);
    const bool own = !rule.has_via() && std::ranges::any_of(rule.dst, [&](SelectorId id) {
      return resolver.matches(id, device, owner);
    });
    if (own) out.dst_own.set(i);
    if (own || routes_there(rule, device, subnets)) out.dst.set(i);
    if (rule.to_self && !device.tagged() && owner != nullptr) out.self.set(i);
  }
  return out;
}

}  // namespace aya::policy
