#include "daemon/filter/rules.h"

#include <algorithm>
#include <bitset>

#include "daemon/filter/address_set.h"

namespace aya::filter {
// Builds CompiledRules; lives for one compile().
class RuleCompiler {
 public:
  explicit RuleCompiler(const CapabilityHolders& holders) : holders_(holders) {}

  void add(const control::FilterRule& rule);
  CompiledRules finish();
  static CompiledRules refuse(std::size_t rule, std::string why);

 private:
  using RuleIndex = CompiledRules::RuleIndex;
  struct Sources {
    std::vector<Prefix> addresses;
    std::vector<Prefix> holders;  // of capabilities that "cap:" sources name
  };

  void problem(std::string text) { out_.problems_.push_back({sent_, std::move(text)}); }
  Sources sources_of(const control::FilterRule& rule);
  void add_protocols(const control::FilterRule& rule, CompiledRules::Rule& out);
  void add_ports(const control::FilterRule& rule, CompiledRules::Rule& out);
  void add_rule(CompiledRules::Rule rule, const std::vector<Prefix>& sources);
  CompiledRules::RuleList rules_covering(const Prefix& prefix) const;

  const CapabilityHolders& holders_;
  CompiledRules out_;
  std::size_t sent_ = 0;  // rules added so far, as the sender counts them
  // Rules that name exactly this prefix, ascending.
  std::unordered_map<Prefix, CompiledRules::RuleList> named_;
  std::bitset<129> lengths4_, lengths6_;  // prefix lengths that occur in named_
};

void RuleCompiler::add(const control::FilterRule& rule) {
  const Sources sources = sources_of(rule);
  CompiledRules::Rule compiled;
  add_protocols(rule, compiled);
  add_ports(rule, compiled);
  // Application capabilities go to addresses only: a "cap:" source opens ports and nothing else.
  if (!sources.holders.empty()) add_rule(compiled, sources.holders);
  compiled.grants = rule.cap_grants;
  add_rule(std::move(compiled), sources.addresses);
  ++sent_;
}

RuleCompiler::Sources RuleCompiler::sources_of(const control::FilterRule& rule) {
  Sources out;
  for (const std::string& text : rule.src_ips) {
    auto set = parse_address_set(text);
    if (!set) {
      problem("source: " + set.error());
    } else if (const auto* nodes = std::get_if<NodesWithCapability>(&*set)) {
      out_.uses_node_capabilities_ = true;
      const auto found = holders_.find(nodes->capability);
      if (found == holders_.end()) continue;
      for (const IpAddress& holder : found->second) out.holders.push_back(Prefix::host(holder));
    } else {
      const auto& prefixes = std::get<std::vector<Prefix>>(*set);
      out.addresses.insert(out.addresses.end(), prefixes.begin(), prefixes.end());
    }
  }
  return out;
}

void RuleCompiler::add_rule(CompiledRules::Rule rule, const std::vector<Prefix>& sources) {
  const auto index = static_cast<RuleIndex>(out_.rules_.size());
  out_.rules_.push_back(std::move(rule));
  for (const Prefix& prefix : sources) {
    auto& rules = named_[prefix];
    if (rules.empty() || rules.back() != index) rules.push_back(index);
    (prefix.address.is_v4() ? lengths4_ : lengths6_).set(prefix.length);
  }
}

void RuleCompiler::add_protocols(const control::FilterRule& rule, CompiledRules::Rule& out) {
  if (rule.ip_proto.empty()) {
    for (const std::uint8_t protocol : kDefaultProtocols) out.protocols.add(protocol);
  }
  for (const std::int64_t number : rule.ip_proto) {
    if (number < 0 || number > 255) {
      problem("protocol: no such number " + std::to_string(number));
    } else {
      out.protocols.add(static_cast<std::uint8_t>(number));
    }
  }
}

void RuleCompiler::add_ports(const control::FilterRule& rule, CompiledRules::Rule& out) {
  for (const control::NetPortRange& range : rule.dst_ports) {
    auto set = parse_address_set(range.ip);
    if (!set) {
      problem("destination: " + set.error());
    } else if (const auto* prefixes = std::get_if<std::vector<Prefix>>(&*set)) {
      for (const Prefix& prefix : *prefixes) {
        out.ports.push_back({prefix, range.ports.first, range.ports.last});
      }
    } else {
      problem("destination: \"" + range.ip + "\" names a capability, which only sources may");
    }
  }
}

CompiledRules::RuleList RuleCompiler::rules_covering(const Prefix& prefix) const {
  const auto& lengths = prefix.address.is_v4() ? lengths4_ : lengths6_;
  CompiledRules::RuleList out;
  for (std::uint8_t length = 0; length <= prefix.length; ++length) {
    if (!lengths.test(length)) continue;
    const auto found = named_.find(Prefix{prefix.address, length}.masked());
    if (found == named_.end()) continue;
    out.insert(out.end(), found->second.begin(), found->second.end());
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

CompiledRules RuleCompiler::finish() {
  std::map<CompiledRules::RuleList, std::uint32_t> known;
  for (const auto& [prefix, unused] : named_) {
    CompiledRules::RuleList list = rules_covering(prefix);
    const auto [at, is_new] =
        known.try_emplace(list, static_cast<std::uint32_t>(out_.lists_.size()));
    if (is_new) out_.lists_.push_back(std::move(list));
    out_.by_source_.set(prefix, at->second);
  }
  return std::move(out_);
}

CompiledRules RuleCompiler::refuse(std::size_t rule, std::string why) {
  CompiledRules out;
  out.refused_ = true;
  out.problems_.push_back({rule, std::move(why)});
  return out;
}

CompiledRules compile(
    std::span<const control::FilterRule> rules, const CapabilityHolders& holders) {
  RuleCompiler compiler(holders);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].src_bits.empty()) {
      return RuleCompiler::refuse(i, "SrcBits is not understood, so no rule is trusted");
    }
    const auto has_bits = [](const control::NetPortRange& range) { return range.bits.has_value(); };
    if (std::ranges::any_of(rules[i].dst_ports, has_bits)) {
      return RuleCompiler::refuse(i, "DstPorts.Bits is not understood, so no rule is trusted");
    }
    compiler.add(rules[i]);
  }
  return compiler.finish();
}

const CompiledRules::RuleList& CompiledRules::rules_of(const IpAddress& source) const {
  const std::uint32_t* list = by_source_.find(source);
  return lists_[list == nullptr ? 0 : *list];
}

bool CompiledRules::allows_port(const PacketView& packet) const {
  const std::uint16_t port = packet.destination.port;
  for (const RuleIndex index : rules_of(packet.source.address)) {
    const Rule& rule = rules_[index];
    if (!rule.protocols.has(packet.protocol)) continue;
    for (const PortGrant& grant : rule.ports) {
      if (port < grant.first || port > grant.last) continue;
      if (grant.destination.contains(packet.destination.address)) return true;
    }
  }
  return false;
}

bool CompiledRules::allows_portless(const PacketView& packet) const {
  for (const RuleIndex index : rules_of(packet.source.address)) {
    const Rule& rule = rules_[index];
    if (!rule.protocols.has(packet.protocol)) continue;
    for (const PortGrant& grant : rule.ports) {
      if (!grant.all_ports()) continue;
      if (grant.destination.contains(packet.destination.address)) return true;
    }
  }
  return false;
}

bool CompiledRules::allows_some_port(const PacketView& packet) const {
  for (const RuleIndex index : rules_of(packet.source.address)) {
    for (const PortGrant& grant : rules_[index].ports) {
      if (grant.destination.contains(packet.destination.address)) return true;
    }
  }
  return false;
}

GrantedCapabilities CompiledRules::capabilities(
    const IpAddress& source, const IpAddress& destination) const {
  GrantedCapabilities out;
  for (const RuleIndex index : rules_of(source)) {
    for (const control::CapGrant& grant : rules_[index].grants) {
      const auto covers = [&](const Prefix& prefix) { return prefix.contains(destination); };
      if (!std::ranges::any_of(grant.dsts, covers)) continue;
      for (const std::string& name : grant.caps) out[name];
      for (const auto& [name, values] : grant.cap_map) {
        auto& into = out[name];
        into.insert(into.end(), values.begin(), values.end());
      }
    }
  }
  return out;
}

}  // namespace aya::filter
