#include "daemon/firewall/foreign.h"

#include <algorithm>

namespace aya::firewall {
namespace {

constexpr std::string_view kFirewalld = "firewalld";

const std::string kMark = "-m comment --comment " + std::string(kComment) + " -j ACCEPT";

bool is_ours(const SavedRule& rule) {
  return !rule.chain.starts_with("ayatori") && rule.has_comment(kComment);
}

// An empty chain that lets everything pass needs nothing from us.
bool may_drop(const SavedTable& filter, const std::string& chain) {
  const auto policy = filter.chains.find(chain);
  if (policy == filter.chains.end()) return false;
  return policy->second == "DROP" || std::ranges::any_of(filter.rules, [&](const SavedRule& rule) {
           return rule.chain == chain && !is_ours(rule);
         });
}

std::vector<SavedRule> wanted_rules(const Plan& plan, const SavedTable& filter) {
  std::vector<SavedRule> out;
  if (plan.mode != Mode::On) return out;
  if (may_drop(filter, "INPUT")) {
    out.push_back({"INPUT", "-i " + plan.tun + " " + kMark});
    if (plan.listen_port != 0) {
      out.push_back(
          {"INPUT", "-p udp -m udp --dport " + std::to_string(plan.listen_port) + " " + kMark});
    }
  }
  if (plan.forwards && may_drop(filter, "FORWARD")) {
    // Docker leaves this chain alone, and asks it before its own.
    const char* chain = filter.chains.contains("DOCKER-USER") ? "DOCKER-USER" : "FORWARD";
    out.push_back({chain, "-i " + plan.tun + " " + kMark});
    const std::string answers = " -m conntrack --ctstate RELATED,ESTABLISHED";
    out.push_back(
        {chain, "-o " + plan.tun + (plan.only_answers ? answers : std::string()) + " " + kMark});
  }
  return out;
}

bool contains(const std::vector<SavedRule>& rules, const SavedRule& wanted) {
  return std::ranges::any_of(rules, [&](const SavedRule& rule) {
    return rule.chain == wanted.chain && same_spec(rule.spec, wanted.spec);
  });
}

bool is_on_our_way(const NftChain& chain, const Plan& plan) {
  if (chain.hook == "input" || chain.hook == "output") return true;
  return chain.hook == "forward" && plan.forwards;
}

}  // namespace

std::string foreign_rules(const Plan& plan, const SavedTable& filter) {
  const auto wanted = wanted_rules(plan, filter);
  std::vector<SavedRule> there;
  for (const SavedRule& rule : filter.rules) {
    if (is_ours(rule)) there.push_back(rule);
  }
  std::string out;
  for (const SavedRule& rule : there) {
    if (!contains(wanted, rule)) out += "-D " + rule.chain + " " + rule.spec + "\n";
  }
  // Each goes to the top: the last written comes first.
  for (auto rule = wanted.rbegin(); rule != wanted.rend(); ++rule) {
    if (!contains(there, *rule)) out += "-I " + rule->chain + " 1 " + rule->spec + "\n";
  }
  return out.empty() ? out : "*filter\n" + out + "COMMIT\n";
}

std::vector<NftChain> dropping_chains(
    const std::vector<NftChain>& chains, const Plan& plan, bool iptables_owns_filter) {
  std::vector<NftChain> out;
  for (const NftChain& chain : chains) {
    if (!chain.drops || !is_on_our_way(chain, plan)) continue;
    if (chain.table == kTable || chain.table == kKillSwitchTable) continue;
    // It is told of the interface; and while it reloads, it drops everything for a moment.
    if (chain.table.starts_with(kFirewalld)) continue;
    const bool seen_to = chain.table == "filter" && (chain.family == "ip" || chain.family == "ip6");
    if (seen_to && iptables_owns_filter && chain.hook != "output") continue;
    out.push_back(chain);
  }
  return out;
}

std::optional<std::string> unsaid(const NftChain& chain, const Plan& plan) {
  if (chain.speaks_of(plan.tun)) return std::nullopt;
  const std::string where = chain.family + " " + chain.table + " " + chain.name;
  const auto command = [&](const char* direction) {
    return "`nft insert rule " + where + " " + direction + " " + plan.tun + " accept`";
  };
  std::string commands = command(chain.hook == "output" ? "oifname" : "iifname");
  if (chain.hook == "forward") commands += " and " + command("oifname");
  return "The firewall chain " + where + " drops what it does not know, and it does not know " +
         plan.tun + ": " +
         (chain.hook == "forward" ? "traffic to the offered routes is lost"
                                  : "this node's traffic is lost") +
         ". Run " + commands + ", and put the same into that firewall's own configuration.";
}

bool has_firewalld(const std::vector<NftChain>& chains) {
  return std::ranges::find(chains, kFirewalld, &NftChain::table) != chains.end();
}

}  // namespace aya::firewall
