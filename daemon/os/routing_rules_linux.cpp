#include <linux/fib_rules.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemon/os/routes.h"
#include "daemon/os/routing_rules.h"

namespace aya::os {
namespace {

constexpr std::uint32_t kBase = 5400;
constexpr std::uint32_t kBaseBeforeMwan3 = 1300;
constexpr std::uint32_t kMwan3Preference = 2001;
constexpr std::array<std::uint8_t, 2> kFamilies = {AF_INET, AF_INET6};

struct Rule {
  std::uint32_t offset;
  std::uint32_t table;  // 0: the action alone counts
  std::uint8_t action;
  bool marked_only;
};

constexpr std::array<Rule, 4> kRules = {{
    {10, RT_TABLE_MAIN, FR_ACT_TO_TBL, true},
    {20, RT_TABLE_DEFAULT, FR_ACT_TO_TBL, true},
    {30, 0, FR_ACT_UNREACHABLE, true},
    {50, kRouteTable, FR_ACT_TO_TBL, false},
}};

ListedRule at_base(
    const Rule& rule, std::uint32_t base, std::uint8_t family, const BypassMark& mark) {
  ListedRule out{
      .family = family,
      .preference = base + rule.offset,
      .table = rule.table,
      .action = rule.action};
  if (rule.marked_only) {
    out.mark = mark.value;
    out.mask = mark.mask;
  }
  return out;
}

bool same(const ListedRule& a, const ListedRule& b) {
  return a.family == b.family && a.preference == b.preference && a.table == b.table &&
         a.action == b.action && a.mark == b.mark && a.mask == b.mask;
}

NetlinkMessage rule_message(std::uint16_t type, std::uint16_t flags, const ListedRule& rule) {
  fib_rule_hdr body{};
  body.family = rule.family;
  body.action = rule.action;
  body.table = rule.table <= 255 ? static_cast<std::uint8_t>(rule.table) : std::uint8_t{0};
  NetlinkMessage message(type, static_cast<std::uint16_t>(NLM_F_ACK | flags), body);
  message.add_u32(FRA_PRIORITY, rule.preference);
  if (type == RTM_NEWRULE) message.add_u8(FRA_PROTOCOL, kRouteProtocol);
  if (rule.table != 0) message.add_u32(FRA_TABLE, rule.table);
  if (rule.mask != 0) message.add_u32(FRA_FWMARK, rule.mark).add_u32(FRA_FWMASK, rule.mask);
  return message;
}

// The error of a family that the kernel does not have at all.
bool lacks_family(const OsError& error) {
  return error.code == EAFNOSUPPORT || error.code == EOPNOTSUPP;
}

Result<void, OsError> remove_rule(NetlinkSocket& netlink, const ListedRule& rule) {
  const auto removed = netlink.request(rule_message(RTM_DELRULE, 0, rule), "remove a routing rule");
  if (!removed && removed.error().code != ENOENT) return removed.error();
  return {};
}

}  // namespace

bool ListedRule::is_ours() const {
  if (protocol == kRouteProtocol || table == kRouteTable) return true;
  // Kernels before 4.17 keep no protocol: a mark at one of our places tells.
  const bool our_place = std::ranges::any_of(kRules, [this](const Rule& rule) {
    return preference == kBase + rule.offset || preference == kBaseBeforeMwan3 + rule.offset;
  });
  return protocol == 0 && our_place && mask != 0;
}

bool ListedRule::is_mwan3() const {
  return preference == kMwan3Preference && mask != 0 && !is_ours();
}

ListedRule read_rule(const NetlinkView& entry) {
  const auto head = entry.body<fib_rule_hdr>();
  const auto number = [&](std::uint16_t attribute) {
    return read_u32(entry.attribute(sizeof head, attribute));
  };
  ListedRule out;
  out.family = head.family;
  out.action = head.action;
  out.table = number(FRA_TABLE).value_or(head.table);
  out.preference = number(FRA_PRIORITY).value_or(0);
  out.mark = number(FRA_FWMARK).value_or(0);
  out.mask = number(FRA_FWMASK).value_or(0);
  const Bytes protocol = entry.attribute(sizeof head, FRA_PROTOCOL);
  if (protocol.size() == 1) out.protocol = static_cast<std::uint8_t>(protocol[0]);
  return out;
}

Result<std::vector<ListedRule>, OsError> list_rules(NetlinkSocket& netlink) {
  std::vector<ListedRule> out;
  for (const std::uint8_t family : kFamilies) {
    fib_rule_hdr body{};
    body.family = family;
    const auto read = netlink.dump(
        NetlinkMessage(RTM_GETRULE, NLM_F_DUMP, body), "list routing rules",
        [&](const NetlinkView& entry) {
          if (entry.type() != RTM_NEWRULE) return;
          if (const ListedRule rule = read_rule(entry); rule.family == family) out.push_back(rule);
        });
    if (!read && (family == AF_INET || !lacks_family(read.error()))) return read.error();
  }
  return out;
}

Result<unsigned, OsError> put_rules(NetlinkSocket& netlink, const BypassMark& mark) {
  const auto listed = list_rules(netlink);
  if (!listed) return listed.error();
  const bool mwan3 = std::ranges::any_of(*listed, &ListedRule::is_mwan3);
  const std::uint32_t base = mwan3 ? kBaseBeforeMwan3 : kBase;

  std::vector<ListedRule> surplus;  // of ours
  for (const ListedRule& rule : *listed) {
    if (rule.is_ours()) surplus.push_back(rule);
  }
  unsigned missing = 0;
  for (const std::uint8_t family : kFamilies) {
    for (const Rule& rule : kRules) {
      const ListedRule wanted = at_base(rule, base, family, mark);
      const auto stands =
          std::ranges::find_if(surplus, [&](const ListedRule& one) { return same(one, wanted); });
      if (stands != surplus.end()) {
        surplus.erase(stands);
        continue;
      }
      const auto added = netlink.request(
          rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, wanted), "add a routing rule");
      if (added) ++missing;
      if (!added && added.error().code != EEXIST && !lacks_family(added.error())) {
        return added.error();
      }
    }
  }
  for (const ListedRule& rule : surplus) {
    if (auto removed = remove_rule(netlink, rule); !removed) return removed.error();
  }
  return missing;
}

Result<void, OsError> remove_rules(NetlinkSocket& netlink) {
  const auto listed = list_rules(netlink);
  if (!listed) return listed.error().code == EOPNOTSUPP ? Result<void, OsError>() : listed.error();
  for (const ListedRule& rule : *listed) {
    if (!rule.is_ours()) continue;
    if (auto removed = remove_rule(netlink, rule); !removed) return removed.error();
  }
  return {};
}

}  // namespace aya::os
