#include "daemon/firewall/nft_script.h"

#include <array>
#include <functional>

namespace aya::firewall {
namespace {

struct HookedChain {
  std::string_view name, hook;
};

// `fwd` and `snat` are words of the language: no chain may be called so.
constexpr std::array<HookedChain, 10> kChains = {{
    {"guard", "type filter hook prerouting priority raw; policy accept;"},
    {"mark_in", "type filter hook prerouting priority mangle; policy accept;"},
    {"mark_out", "type route hook output priority mangle; policy accept;"},
    {"input", "type filter hook input priority filter - 10; policy accept;"},
    {"transit", "type filter hook forward priority filter - 10; policy accept;"},
    {"clamp", "type filter hook forward priority mangle; policy accept;"},
    {"alias_in", "type nat hook prerouting priority dstnat - 10; policy accept;"},
    {"alias_out", "type nat hook postrouting priority srcnat - 10; policy accept;"},
    {"masq", "type nat hook postrouting priority srcnat; policy accept;"},
    {"lan", "type filter hook output priority filter - 10; policy accept;"},
}};

// An uplink needs its address and its neighbours, or the tunnel has nothing to go through.
constexpr std::string_view kOwnDhcp4 = "udp sport 68 udp dport 67";
constexpr std::string_view kOwnDhcp6 = "udp sport 546 udp dport 547";
constexpr std::string_view kNeighbours =
    "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, "
    "mld2-listener-report }";

struct NamedSet {
  std::string_view name, type;
  std::function<std::vector<std::string>(const Plan&)> elements;
};

std::vector<std::string> texts(const std::vector<IpAddress>& addresses, bool v4) {
  std::vector<std::string> out;
  for (const IpAddress& address : addresses) {
    if (address.is_v4() == v4) out.push_back(address.to_text());
  }
  return out;
}

const std::array<NamedSet, 5>& sets() {
  static const std::array<NamedSet, 5> kSets = {{
      {"self4", "ipv4_addr", [](const Plan& plan) { return texts(plan.self, true); }},
      {"self6", "ipv6_addr", [](const Plan& plan) { return texts(plan.self, false); }},
      {"peers4", "ipv4_addr", [](const Plan& plan) { return texts(plan.peers, true); }},
      {"peers6", "ipv6_addr", [](const Plan& plan) { return texts(plan.peers, false); }},
      {"ports", "inet_service",
       [](const Plan& plan) {
         std::vector<std::string> out;
         for (const std::uint16_t port : plan.ports) out.push_back(std::to_string(port));
         return out;
       }},
  }};
  return kSets;
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// "{ a, b }"; never empty, which the language does not know.
std::string listed(const std::vector<std::string>& elements) {
  std::string out = "{ ";
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) out += ", ";
    out += elements[i];
  }
  return out + " }";
}

// The rules of one table, chain by chain.
class NftRules {
 public:
  explicit NftRules(const Plan& plan)
      : plan_(plan),
        tun_(quoted(plan.tun)),
        keep_(hex_mark(~plan.marks.mask)),
        mask_(hex_mark(plan.marks.mask)),
        bypass_(hex_mark(plan.marks.bypass)) {}

  std::vector<std::string> of(std::string_view chain) const {
    if (chain == "guard") return guard();
    if (chain == "mark_in") return mark_in();
    if (chain == "mark_out") return mark_out();
    if (chain == "input") return input();
    if (chain == "transit") return transit();
    if (chain == "clamp") return clamp();
    if (chain == "alias_in") return alias_in();
    if (chain == "alias_out") return alias_out();
    if (chain == "lan") return lan();
    return masq();
  }

 private:
  using Lines = std::vector<std::string>;

  std::string not_from_tunnel() const { return "iifname { \"lo\", " + tun_ + " } return"; }
  // The rest of the mark belongs to others.
  std::string with_bypass(std::string_view mark) const {
    return std::string(mark) + " set " + std::string(mark) + " & " + keep_ + " | " + bypass_;
  }
  std::string has_bypass(std::string_view mark) const {
    return std::string(mark) + " & " + mask_ + " == " + bypass_;
  }

  Lines guard() const {
    return {
        not_from_tunnel(),
        "ip daddr @self4 fib saddr type != local drop",
        "ip6 daddr @self6 fib saddr type != local drop",
        "ip saddr @peers4 drop",
        "ip6 saddr @peers6 drop",
    };
  }

  Lines mark_in() const {
    return {
        not_from_tunnel(),
        "udp dport @ports fib daddr type local meta mark set meta mark & " + keep_ + " | " +
            bypass_,
        "meta l4proto tcp ct state established,related " + has_bypass("ct mark") + " " +
            with_bypass("meta mark"),
    };
  }

  Lines mark_out() const {
    return {"meta l4proto tcp " + has_bypass("meta mark") + " " + with_bypass("ct mark")};
  }

  Lines input() const {
    Lines out = {"iifname " + tun_ + " accept"};
    if (plan_.listen_port != 0) {
      out.push_back("udp dport " + std::to_string(plan_.listen_port) + " accept");
    }
    return out;
  }

  Lines transit() const {
    if (!plan_.forwards) return {};
    Lines out;
    if (plan_.masquerade && !plan_.masquerade_v6) {
      // It would leave under an address that nobody out there can answer.
      out.push_back(
          "iifname " + tun_ + " oifname != " + tun_ +
          " meta nfproto ipv6 reject with icmpv6 type no-route");
    }
    out.push_back("iifname " + tun_ + " accept");
    out.push_back("oifname " + tun_ + " ct state established,related accept");
    out.push_back("oifname " + tun_ + (plan_.only_answers ? " drop" : " accept"));
    return out;
  }

  Lines clamp() const {
    const std::string smaller = " tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu";
    return {"oifname " + tun_ + smaller, "iifname " + tun_ + smaller};
  }

  Lines masq() const {
    if (!plan_.forwards || !plan_.masquerade) return {};
    const std::string families = plan_.masquerade_v6 ? "" : "meta nfproto ipv4 ";
    return {families + "iifname " + tun_ + " oifname != " + tun_ + " masquerade"};
  }

  // "{ a : b, ... }" of all maps, one way or the other.
  std::string translation(Prefix NetworkMap::*from, Prefix NetworkMap::*to) const {
    std::vector<std::string> pairs;
    for (const NetworkMap& map : plan_.maps) {
      pairs.push_back((map.*from).to_text() + " : " + (map.*to).to_text());
    }
    return listed(pairs);
  }

  Lines alias_in() const {
    if (plan_.maps.empty()) return {};
    return {
        "iifname " + tun_ + " dnat ip prefix to ip daddr map " +
        translation(&NetworkMap::offered, &NetworkMap::real)};
  }

  // What begins behind this router is known to peers by the offered addresses, too.
  Lines alias_out() const {
    if (plan_.maps.empty()) return {};
    return {
        "oifname " + tun_ + " snat ip prefix to ip saddr map " +
        translation(&NetworkMap::real, &NetworkMap::offered)};
  }

  Lines lan() const {
    if (!plan_.closes_lan) return {};
    return {
        "oifname { \"lo\", " + tun_ + " } return",
        has_bypass("meta mark") + " return",
        std::string(kOwnDhcp4) + " return",
        std::string(kOwnDhcp6) + " return",
        std::string(kNeighbours) + " return",
        "fib daddr type broadcast drop",
        "ip daddr 224.0.0.0/4 drop",
        "ip6 daddr ff00::/8 drop",
    };
  }

  const Plan& plan_;
  std::string tun_, keep_, mask_, bypass_;
};

std::string table_words(std::string_view name) { return "inet " + std::string(name); }

// One transaction cannot say "delete it if it is there", but can make it and delete it.
std::string without_table(std::string_view name) {
  return "add table " + table_words(name) + "\ndelete table " + table_words(name) + "\n";
}

void add_change(
    std::string& out, std::string_view verb, std::string_view set,
    const std::vector<std::string>& elements) {
  if (elements.empty()) return;
  out += std::string(verb) + " element " + table_words(kTable) + " " + std::string(set) + " " +
         listed(elements) + "\n";
}

}  // namespace

std::string nft_table(const Plan& plan, std::string_view note) {
  const bool hooked = plan.mode == Mode::On;
  std::string out;
  if (hooked) {
    out += without_table(kTable);
  } else {
    // Chains of the administrator in this table jump to ours: it has to stay.
    out += nft_emptying();
  }
  out += "table " + table_words(kTable) + " {\n";
  if (hooked) out += "  comment " + quoted(note) + "\n";
  for (const NamedSet& set : sets()) {
    out += "  set " + std::string(set.name) + " {\n    type " + std::string(set.type) + "\n";
    const auto elements = set.elements(plan);
    if (!elements.empty()) out += "    elements = " + listed(elements) + "\n";
    out += "  }\n";
  }
  const NftRules rules(plan);
  for (const HookedChain& chain : kChains) {
    out += "  chain " + std::string(chain.name) + " {\n";
    if (hooked) out += "    " + std::string(chain.hook) + "\n";
    for (const std::string& rule : rules.of(chain.name)) out += "    " + rule + "\n";
    out += "  }\n";
  }
  return out + "}\n";
}

std::optional<std::string> nft_change(const Plan& have, const Plan& want) {
  if (!same_rules(have, want)) return std::nullopt;
  std::string out;
  for (const NamedSet& set : sets()) {
    auto before = set.elements(have), after = set.elements(want);
    std::ranges::sort(before);
    std::ranges::sort(after);
    add_change(out, "add", set.name, only_in(after, before));
    add_change(out, "delete", set.name, only_in(before, after));
  }
  return out;
}

bool nft_owns_chain(std::string_view name) {
  return std::ranges::find(kChains, name, &HookedChain::name) != kChains.end();
}

std::string nft_removal() { return without_table(kTable); }

std::string nft_emptying() {
  std::string out = "add table " + table_words(kTable) + "\n";
  for (const HookedChain& chain : kChains) {
    const std::string where = table_words(kTable) + " " + std::string(chain.name) + "\n";
    out += "add chain " + where + "flush chain " + where;
  }
  for (const NamedSet& set : sets()) {
    const std::string where = table_words(kTable) + " " + std::string(set.name);
    out +=
        "add set " + where + " { type " + std::string(set.type) + "; }\nflush set " + where + "\n";
  }
  return out;
}

std::string nft_kill_switch(const KillSwitch& wanted) {
  const std::string tun = quoted(wanted.tun);
  const std::string ours =
      "meta mark & " + hex_mark(wanted.marks.mask) + " == " + hex_mark(wanted.marks.bypass);
  std::string lan;
  for (const bool v4 : {true, false}) {
    std::vector<std::string> prefixes;
    for (const Prefix& prefix : wanted.lan) {
      if (prefix.address.is_v4() == v4) prefixes.push_back(prefix.masked().to_text());
    }
    if (wanted.lan.empty()) continue;
    // Neighbours are also found and told by broadcast and multicast.
    prefixes.push_back(v4 ? "224.0.0.0/4" : "ff00::/8");
    if (v4) prefixes.push_back("255.255.255.255");
    lan += std::string("    ") + (v4 ? "ip" : "ip6") + " daddr " + listed(prefixes) + " accept\n";
  }
  const std::string through_tunnel = "    oifname { \"lo\", " + tun + " } accept\n";
  const std::string refusal = "    reject with icmpx admin-prohibited\n  }\n";

  std::string out = without_table(kKillSwitchTable);
  out += "table " + table_words(kKillSwitchTable) + " {\n";
  out += "  chain output {\n    type filter hook output priority filter - 20; policy accept;\n";
  out += through_tunnel;
  out += "    " + ours + " accept\n";
  for (const std::string_view needed : {kOwnDhcp4, kOwnDhcp6, kNeighbours}) {
    out += "    " + std::string(needed) + " accept\n";
  }
  out += lan + refusal;
  out += "  chain forward {\n    type filter hook forward priority filter - 20; policy accept;\n";
  out += through_tunnel;
  out += "    iifname " + tun + " accept\n";
  out += lan + refusal;
  return out + "}\n";
}

std::string nft_kill_switch_removal() { return without_table(kKillSwitchTable); }

}  // namespace aya::firewall
