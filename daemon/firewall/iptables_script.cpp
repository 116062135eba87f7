#include "daemon/firewall/iptables_script.h"

#include <algorithm>
#include <set>

namespace aya::firewall {
namespace {

struct JumpedChain {
  std::string name;
  std::string hook;  // the base chain that jumps here; empty: only chains of ours do
  std::vector<std::string> rules;
};

struct ChainTable {
  std::string name;
  std::vector<JumpedChain> chains;
};

// How rules of one kind are found again: the plan's, or the kill switch's.
struct Owner {
  std::string_view comment, chains;  // the word in comments, the front of chain names

  bool owns_chain(std::string_view name) const { return name.starts_with(chains); }
  bool owns(const SavedRule& rule) const {
    return !owns_chain(rule.chain) && rule.has_comment(comment);
  }
};
constexpr Owner kPlan{kComment, "ayatori-"};
constexpr Owner kSwitch{kKillSwitchTable, "ayatori_ks-"};

// Wide enough that a mesh has few of them, narrow enough that strangers' packets are elsewhere.
constexpr std::uint8_t kPeerRange4 = 10, kPeerRange6 = 48;

std::string jump(const JumpedChain& chain, const Owner& owner) {
  return "-m comment --comment " + std::string(owner.comment) + " -j " + chain.name;
}

std::string under_mask(std::uint32_t value, std::uint32_t mask) {
  return hex_mark(value) + "/" + hex_mark(mask);
}

// An uplink needs its address and its neighbours, or the tunnel has nothing to go through.
std::vector<std::string> uplink_needs(bool v4) {
  if (v4) return {"-p udp -m udp --sport 68 --dport 67"};
  std::vector<std::string> out = {"-p udp -m udp --sport 546 --dport 547"};
  for (const char* type : {"133", "135", "136", "143"}) {  // looking for routers and neighbours
    out.push_back(std::string("-p icmpv6 -m icmp6 --icmpv6-type ") + type);
  }
  return out;
}

class IptablesRules {
 public:
  IptablesRules(const Plan& plan, Family family) : plan_(plan), v4_(family == Family::V4) {}

  std::vector<ChainTable> tables() const {
    std::vector<ChainTable> out = {
        {"raw", {{"ayatori-peers", "", peers()}, {"ayatori-guard", "PREROUTING", guard()}}},
        {"mangle",
         {{"ayatori-mark-in", "PREROUTING", mark_in()},
          {"ayatori-mark-out", "OUTPUT", mark_out()},
          {"ayatori-clamp", "FORWARD", clamp()}}},
        {"filter",
         {{"ayatori-input", "INPUT", input()},
          {"ayatori-transit", "FORWARD", transit()},
          {"ayatori-lan", "OUTPUT", lan()}}}};
    // Without need the table is not touched: kernels without it exist for IPv6.
    std::vector<JumpedChain> nat;
    if (auto rules = masq(); !rules.empty()) {
      nat.push_back({"ayatori-masq", "POSTROUTING", std::move(rules)});
    }
    if (v4_ && !plan_.maps.empty()) {
      nat.push_back({"ayatori-alias-in", "PREROUTING", alias_in()});
      nat.push_back({"ayatori-alias-out", "POSTROUTING", alias_out()});
    }
    if (!nat.empty()) out.push_back({"nat", std::move(nat)});
    return out;
  }

  std::vector<std::string> peers() const {
    std::vector<std::string> out;
    for (const IpAddress& address : plan_.peers) {
      if (address.is_v4() == v4_) out.push_back("-s " + address.to_text() + " -j DROP");
    }
    return out;
  }

  std::vector<std::string> peer_ranges() const {
    std::set<Prefix> ranges;
    for (const IpAddress& address : plan_.peers) {
      if (address.is_v4() != v4_) continue;
      ranges.insert(Prefix{address, v4_ ? kPeerRange4 : kPeerRange6}.masked());
    }
    std::vector<std::string> out;
    for (const Prefix& range : ranges) out.push_back("-s " + range.to_text() + " -j ayatori-peers");
    return out;
  }

 private:
  using Lines = std::vector<std::string>;

  std::string set_bypass() const {
    return " --set-xmark " + under_mask(plan_.marks.bypass, plan_.marks.mask);
  }
  std::string is_bypass() const {
    return " --mark " + under_mask(plan_.marks.bypass, plan_.marks.mask);
  }

  Lines not_from_tunnel() const { return {"-i lo -j RETURN", "-i " + plan_.tun + " -j RETURN"}; }

  Lines guard() const {
    Lines out = not_from_tunnel();
    for (const IpAddress& address : plan_.self) {
      if (address.is_v4() != v4_) continue;
      out.push_back("-d " + address.to_text() + " -m addrtype ! --src-type LOCAL -j DROP");
    }
    for (std::string& rule : peer_ranges()) out.push_back(std::move(rule));
    return out;
  }

  Lines mark_in() const {
    Lines out = not_from_tunnel();
    for (const std::uint16_t port : plan_.ports) {
      out.push_back(
          "-p udp -m udp --dport " + std::to_string(port) +
          " -m addrtype --dst-type LOCAL -j MARK" + set_bypass());
    }
    out.push_back(
        "-p tcp -m conntrack --ctstate RELATED,ESTABLISHED -m connmark" + is_bypass() + " -j MARK" +
        set_bypass());
    return out;
  }

  Lines mark_out() const {
    return {"-p tcp -m mark" + is_bypass() + " -j CONNMARK" + set_bypass()};
  }

  Lines clamp() const {
    const std::string smaller =
        " -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu";
    return {"-o " + plan_.tun + smaller, "-i " + plan_.tun + smaller};
  }

  Lines input() const {
    Lines out = {"-i " + plan_.tun + " -j ACCEPT"};
    if (plan_.listen_port != 0) {
      out.push_back("-p udp -m udp --dport " + std::to_string(plan_.listen_port) + " -j ACCEPT");
    }
    return out;
  }

  Lines transit() const {
    if (!plan_.forwards) return {};
    Lines out;
    if (plan_.masquerade && !plan_.masquerade_v6 && !v4_) {
      out.push_back("-i " + plan_.tun + " ! -o " + plan_.tun + " -j REJECT");
    }
    if (plan_.masquerade) {
      out.push_back(
          "-i " + plan_.tun + " -j MARK --set-xmark " +
          under_mask(plan_.marks.forwarded, plan_.marks.mask));
    }
    out.push_back("-i " + plan_.tun + " -j ACCEPT");
    out.push_back("-o " + plan_.tun + " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
    out.push_back("-o " + plan_.tun + (plan_.only_answers ? " -j DROP" : " -j ACCEPT"));
    return out;
  }

  Lines masq() const {
    if (!plan_.forwards || !plan_.masquerade || (!v4_ && !plan_.masquerade_v6)) return {};
    return {
        "-m mark --mark " + under_mask(plan_.marks.forwarded, plan_.marks.mask) + " ! -o " +
        plan_.tun + " -j MASQUERADE"};
  }

  Lines alias_in() const {
    Lines out;
    for (const NetworkMap& map : plan_.maps) {
      out.push_back(
          "-d " + map.offered.to_text() + " -i " + plan_.tun + " -j NETMAP --to " +
          map.real.to_text());
    }
    return out;
  }

  Lines alias_out() const {
    Lines out;
    for (const NetworkMap& map : plan_.maps) {
      out.push_back(
          "-s " + map.real.to_text() + " -o " + plan_.tun + " -j NETMAP --to " +
          map.offered.to_text());
    }
    return out;
  }

  Lines lan() const {
    if (!plan_.closes_lan) return {};
    Lines out = {
        "-o lo -j RETURN", "-o " + plan_.tun + " -j RETURN",
        "-m mark" + is_bypass() + " -j RETURN"};
    for (const std::string& needed : uplink_needs(v4_)) out.push_back(needed + " -j RETURN");
    if (v4_) out.push_back("-m addrtype --dst-type BROADCAST -j DROP");
    out.push_back(std::string("-d ") + (v4_ ? "224.0.0.0/4" : "ff00::/8") + " -j DROP");
    return out;
  }

  const Plan& plan_;
  const bool v4_;
};

const SavedTable& table_of(const SavedTables& saved, const std::string& name) {
  static const SavedTable kNone;
  const auto found = saved.find(name);
  return found == saved.end() ? kNone : found->second;
}

bool jumps_there(const SavedTable& table, const JumpedChain& chain, const Owner& owner) {
  return std::ranges::any_of(table.rules, [&](const SavedRule& rule) {
    return rule.chain == chain.hook && owner.owns(rule) && rule.target() == chain.name;
  });
}

std::string removal_of(const SavedTable& saved, const std::string& name, const Owner& owner) {
  std::string out;
  for (const SavedRule& rule : saved.rules) {
    if (owner.owns(rule)) out += "-D " + rule.chain + " " + rule.spec + "\n";
  }
  std::string deleted;
  for (const auto& entry : saved.chains) {
    const std::string& chain = entry.first;
    if (!owner.owns_chain(chain)) continue;
    out += "-F " + chain + "\n";
    const bool others_jump_here = std::ranges::any_of(saved.rules, [&](const SavedRule& rule) {
      return rule.target() == chain && !owner.owns_chain(rule.chain) && !owner.owns(rule);
    });
    if (!others_jump_here) deleted += "-X " + chain + "\n";
  }
  if (out.empty()) return {};
  return "*" + name + "\n" + out + deleted + "COMMIT\n";
}

std::string written(
    const std::vector<ChainTable>& tables, const SavedTables& saved, const Owner& owner,
    bool hooked) {
  std::string out;
  for (const ChainTable& table : tables) {
    const SavedTable& there = table_of(saved, table.name);
    out += "*" + table.name + "\n";
    // An existing chain is emptied by that.
    for (const JumpedChain& chain : table.chains) out += ":" + chain.name + " - [0:0]\n";
    if (!hooked) {
      for (const SavedRule& rule : there.rules) {
        if (owner.owns(rule)) out += "-D " + rule.chain + " " + rule.spec + "\n";
      }
    }
    for (const JumpedChain& chain : table.chains) {
      for (const std::string& rule : chain.rules) out += "-A " + chain.name + " " + rule + "\n";
      if (hooked && !chain.hook.empty() && !jumps_there(there, chain, owner)) {
        out += "-I " + chain.hook + " 1 " + jump(chain, owner) + "\n";
      }
    }
    out += "COMMIT\n";
  }
  return out;
}

std::string rejection(Family family) {
  return std::string("-j REJECT --reject-with ") +
         (family == Family::V4 ? "icmp-admin-prohibited" : "icmp6-adm-prohibited");
}

}  // namespace

std::string iptables_tables(const Plan& plan, Family family, const SavedTables& saved) {
  const auto tables = IptablesRules(plan, family).tables();
  std::string out = written(tables, saved, kPlan, plan.mode == Mode::On);
  // A table that is needed no more.
  for (const auto& [name, table] : saved) {
    const bool needed = std::ranges::find(tables, name, &ChainTable::name) != tables.end();
    if (!needed) out += removal_of(table, name, kPlan);
  }
  return out;
}

std::optional<std::string> iptables_change(const Plan& have, const Plan& want, Family family) {
  if (!same_rules(have, want) || have.ports != want.ports || have.self != want.self) {
    return std::nullopt;
  }
  const IptablesRules before(have, family), after(want, family);
  std::string out;
  const auto change = [&](const char* chain, std::vector<std::string> was,
                          std::vector<std::string> is) {
    std::ranges::sort(was);
    std::ranges::sort(is);
    for (const std::string& rule : only_in(is, was)) {
      out += std::string("-A ") + chain + " " + rule + "\n";
    }
    for (const std::string& rule : only_in(was, is)) {
      out += std::string("-D ") + chain + " " + rule + "\n";
    }
  };
  change("ayatori-peers", before.peers(), after.peers());
  change("ayatori-guard", before.peer_ranges(), after.peer_ranges());
  return out.empty() ? out : "*raw\n" + out + "COMMIT\n";
}

bool iptables_intact(const Plan& plan, Family family, const SavedTables& saved) {
  for (const ChainTable& table : IptablesRules(plan, family).tables()) {
    const SavedTable& there = table_of(saved, table.name);
    for (const JumpedChain& chain : table.chains) {
      if (!there.chains.contains(chain.name)) return false;
      const auto rules = std::ranges::count(there.rules, chain.name, &SavedRule::chain);
      if (static_cast<std::size_t>(rules) != chain.rules.size()) return false;
      const bool hooked = plan.mode == Mode::On && !chain.hook.empty();
      if (hooked && !jumps_there(there, chain, kPlan)) return false;
    }
  }
  return true;
}

std::string iptables_removal(const SavedTables& saved) {
  std::string out;
  for (const auto& [name, table] : saved) out += removal_of(table, name, kPlan);
  return out;
}

std::string iptables_kill_switch(
    const KillSwitch& wanted, Family family, const SavedTables& saved) {
  const bool v4 = family == Family::V4;
  std::vector<std::string> lan;
  for (const Prefix& prefix : wanted.lan) {
    if (prefix.address.is_v4() == v4) {
      lan.push_back("-d " + prefix.masked().to_text() + " -j ACCEPT");
    }
  }
  if (!wanted.lan.empty()) {
    lan.push_back(std::string("-d ") + (v4 ? "224.0.0.0/4" : "ff00::/8") + " -j ACCEPT");
    if (v4) lan.push_back("-d 255.255.255.255 -j ACCEPT");
  }
  std::vector<std::string> out = {
      "-o lo -j ACCEPT", "-o " + wanted.tun + " -j ACCEPT",
      "-m mark --mark " + under_mask(wanted.marks.bypass, wanted.marks.mask) + " -j ACCEPT"};
  for (const std::string& needed : uplink_needs(v4)) out.push_back(needed + " -j ACCEPT");
  std::vector<std::string> through = {
      "-o " + wanted.tun + " -j ACCEPT", "-i " + wanted.tun + " -j ACCEPT"};
  for (auto* rules : {&out, &through}) {
    rules->insert(rules->end(), lan.begin(), lan.end());
    rules->push_back(rejection(family));
  }
  const std::vector<ChainTable> tables = {
      {"filter",
       {{"ayatori_ks-output", "OUTPUT", std::move(out)},
        {"ayatori_ks-forward", "FORWARD", std::move(through)}}}};
  return written(tables, saved, kSwitch, true);
}

bool iptables_is_armed(const SavedTables& saved) {
  const auto& rules = table_of(saved, "filter").rules;
  return std::ranges::count_if(rules, [](const SavedRule& rule) { return kSwitch.owns(rule); }) ==
         2;
}

std::string iptables_kill_switch_removal(const SavedTables& saved) {
  std::string out;
  for (const auto& [name, table] : saved) out += removal_of(table, name, kSwitch);
  return out;
}

}  // namespace aya::firewall
