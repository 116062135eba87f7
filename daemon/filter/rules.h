// The rules of a map, compiled for lookup (control 6.7).
//
// compile() reads the text forms once. What is left of the list is indexed by source: for every
// source prefix that occurs anywhere, the grants of all rules whose sources cover it. A packet then
// costs one longest-prefix lookup of its source and a scan over the grants that source has at all.
//
// Bad entries are left out, the rest stays in force; each is reported with its rule number. Two
// fields that only long-gone servers used (SrcBits, DstPorts.Bits) refuse the whole list, because
// their meaning would widen the rules around them. One thread; lookups do not allocate.
#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/filter/packet_view.h"
#include "proto/control/filter_rule.h"
#include "proto/netaddr/prefix_table.h"

namespace aya::filter {

// Which addresses have a node capability, for sources written "cap:<name>".
using CapabilityHolders = std::map<std::string, std::vector<IpAddress>, std::less<>>;

// Application capabilities a source has: names to values. A name without values is granted as such.
using GrantedCapabilities = control::CapMap;

// Those of a rule that names none.
inline constexpr std::uint8_t kDefaultProtocols[] = {kTcp, kUdp, kIcmp4, kIcmp6};

struct RuleProblem {
  std::size_t rule = 0;  // index in the list as sent
  std::string text;      // for a person: the entry and what is wrong with it
};

class CompiledRules {
 public:
  CompiledRules() = default;  // grants nothing

  // TCP, UDP, SCTP: a rule that names the protocol, the addresses and the port.
  bool allows_port(const PacketView& packet) const;
  // Protocols without ports: a rule that names the protocol and grants every port, which says that
  // ports were not what it was about.
  bool allows_portless(const PacketView& packet) const;
  // ICMP: one open port of any protocol is enough, as whoever may connect may also ping.
  bool allows_some_port(const PacketView& packet) const;

  // From CapGrant entries; sources written "cap:" receive none.
  GrantedCapabilities capabilities(const IpAddress& source, const IpAddress& destination) const;

  // True if some rule names "cap:" sources: compile again when peers' capabilities change.
  bool uses_node_capabilities() const { return uses_node_capabilities_; }
  const std::vector<RuleProblem>& problems() const { return problems_; }
  bool refused() const { return refused_; }  // the whole list, see above

 private:
  friend class RuleCompiler;

  using RuleIndex = std::uint32_t;

  class ProtocolSet {
   public:
    void add(std::uint8_t protocol) { words_[protocol / 64] |= std::uint64_t{1} << protocol % 64; }
    bool has(std::uint8_t protocol) const {
      return (words_[protocol / 64] >> protocol % 64 & 1) != 0;
    }

   private:
    std::uint64_t words_[4] = {};
  };

  struct PortGrant {
    Prefix destination;
    std::uint16_t first = 0, last = 0;

    bool all_ports() const { return first == 0 && last == 0xffff; }
  };
  struct Rule {
    ProtocolSet protocols;
    std::vector<PortGrant> ports;
    std::vector<control::CapGrant> grants;
  };
  // The rules whose sources cover a prefix, in the order sent. Shared by all prefixes with the
  // same.
  using RuleList = std::vector<RuleIndex>;

  const RuleList& rules_of(const IpAddress& source) const;

  std::vector<Rule> rules_;
  std::vector<RuleList> lists_ = {{}};    // the first is empty: sources no rule names
  PrefixTable<std::uint32_t> by_source_;  // index into lists_
  std::vector<RuleProblem> problems_;
  bool uses_node_capabilities_ = false;
  bool refused_ = false;
};

CompiledRules compile(std::span<const control::FilterRule> rules, const CapabilityHolders& holders);

}  // namespace aya::filter
