#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "daemon/os/marks.h"
#include "daemon/os/netlink.h"
#include "daemon/os/routes.h"

namespace aya::os {
namespace {

struct Rule {
  std::uint32_t preference;
  std::uint32_t table;  // 0: the action alone counts
  std::uint8_t action;
  bool marked_only;  // packets with the bypass mark
};

// os-integration 1.3: what carries the tunnel uses the host's own routes, or fails; it never falls
// into the tunnel. All else asks our table first.
constexpr std::array<Rule, 4> kRules = {{
    {5410, RT_TABLE_MAIN, FR_ACT_TO_TBL, true},
    {5420, RT_TABLE_DEFAULT, FR_ACT_TO_TBL, true},
    {5430, 0, FR_ACT_UNREACHABLE, true},
    {5450, kRouteTable, FR_ACT_TO_TBL, false},
}};

NetlinkMessage rule_message(
    std::uint16_t type, std::uint16_t flags, std::uint8_t family, const Rule& rule) {
  fib_rule_hdr body{};
  body.family = family;
  body.action = rule.action;
  body.table = rule.table <= 255 ? static_cast<std::uint8_t>(rule.table) : std::uint8_t{0};
  NetlinkMessage message(type, flags, body);
  message.add_u32(FRA_PRIORITY, rule.preference);
  message.add_u8(FRA_PROTOCOL, kRouteProtocol);
  if (rule.table != 0) message.add_u32(FRA_TABLE, rule.table);
  if (rule.marked_only) {
    message.add_u32(FRA_FWMARK, kBypassMark).add_u32(FRA_FWMASK, kBypassMarkMask);
  }
  return message;
}

// The error of a family that the kernel does not have at all.
bool lacks_family(const OsError& error) {
  return error.code == EAFNOSUPPORT || error.code == EOPNOTSUPP;
}

Result<void, OsError> remove_rules_by(NetlinkSocket& netlink) {
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    for (const Rule& rule : kRules) {
      // As often as it stands there: a killed daemon and its successor may both have put one.
      for (;;) {
        const auto removed = netlink.request(
            rule_message(RTM_DELRULE, NLM_F_ACK, family, rule), "remove a routing rule");
        if (!removed) {
          const int code = removed.error().code;
          if (code != ENOENT && !lacks_family(removed.error())) return removed.error();
          break;
        }
      }
    }
  }
  return {};
}

Result<void, OsError> add_rules(NetlinkSocket& netlink) {
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    for (const Rule& rule : kRules) {
      const auto added = netlink.request(
          rule_message(RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, family, rule),
          "add a routing rule");
      if (!added && added.error().code != EEXIST && !lacks_family(added.error())) {
        return added.error();
      }
    }
  }
  return {};
}

// Whether the interface takes IPv6 addresses: the module may be off, or off for this one.
bool has_ipv6(const std::string& interface) {
  const std::string path = "/proc/sys/net/ipv6/conf/" + interface + "/disable_ipv6";
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  const int value = std::fgetc(file);
  std::fclose(file);
  return value == '0';
}

class RoutesLinux final : public Routes {
 public:
  RoutesLinux(NetlinkSocket netlink, unsigned index, bool ipv6)
      : netlink_(std::move(netlink)), index_(index), ipv6_(ipv6) {}

  ~RoutesLinux() override {
    (void)apply({});
    (void)remove_rules_by(netlink_);
  }

  Result<void, OsError> apply(const RouteConfig& wanted) override {
    const RouteChange change = difference(applied_, wanted);
    std::optional<OsError> first;
    RouteConfig now = wanted;
    const auto each = [&](const std::vector<Prefix>& prefixes, auto&& step, auto&& on_failure) {
      for (const Prefix& prefix : prefixes) {
        if (prefix.address.is_v6() && !ipv6_) continue;
        if (auto done = step(prefix); !done) {
          if (!first) first = done.error();
          on_failure(prefix);
        }
      }
    };
    const auto forget = [](std::vector<Prefix>& list) {
      return [&list](const Prefix& prefix) { std::erase(list, prefix); };
    };
    const auto keep = [](std::vector<Prefix>& list) {
      return [&list](const Prefix& prefix) { list.push_back(prefix); };
    };
    // New before old throughout; what failed is left out of the record, so the next call retries.
    each(
        change.add_addresses, [&](const Prefix& p) { return address(RTM_NEWADDR, p); },
        forget(now.addresses));
    each(
        change.add_throws,
        [&](const Prefix& p) { return route(RTM_NEWROUTE, RTN_THROW, p, wanted); },
        forget(now.throws));
    each(
        change.add_routes,
        [&](const Prefix& p) { return route(RTM_NEWROUTE, RTN_UNICAST, p, wanted); },
        forget(now.routes));
    each(
        change.remove_routes,
        [&](const Prefix& p) { return route(RTM_DELROUTE, RTN_UNICAST, p, wanted); },
        keep(now.routes));
    each(
        change.remove_throws,
        [&](const Prefix& p) { return route(RTM_DELROUTE, RTN_THROW, p, wanted); },
        keep(now.throws));
    each(
        change.remove_addresses, [&](const Prefix& p) { return address(RTM_DELADDR, p); },
        keep(now.addresses));
    applied_ = std::move(now);
    if (first) return *first;
    return {};
  }

  const RouteConfig& applied() const override { return applied_; }

 private:
  Result<void, OsError> address(std::uint16_t type, const Prefix& prefix) {
    ifaddrmsg body{};
    body.ifa_family = family_of(prefix.address);
    body.ifa_prefixlen = prefix.length;
    body.ifa_index = index_;
    const bool add = type == RTM_NEWADDR;
    NetlinkMessage message(
        type, static_cast<std::uint16_t>(NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0)),
        body);
    message.add(IFA_LOCAL, prefix.address).add(IFA_ADDRESS, prefix.address);
    std::uint32_t flags = IFA_F_NOPREFIXROUTE;
    if (prefix.address.is_v6()) flags |= IFA_F_NODAD;
    if (add) message.add_u32(IFA_FLAGS, flags);
    auto done = netlink_.request(
        std::move(message), (add ? "add address " : "remove address ") + prefix.to_text());
    if (!done && !add && done.error().code == EADDRNOTAVAIL) return {};  // gone already
    return done;
  }

  Result<void, OsError> route(
      std::uint16_t message_type, std::uint8_t type, const Prefix& prefix,
      const RouteConfig& wanted) {
    const bool add = message_type == RTM_NEWROUTE;
    rtmsg body{};
    body.rtm_family = family_of(prefix.address);
    body.rtm_dst_len = prefix.length;
    body.rtm_protocol = kRouteProtocol;
    body.rtm_scope = type == RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    body.rtm_type = type;
    NetlinkMessage message(
        message_type,
        static_cast<std::uint16_t>(NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0)), body);
    message.add_u32(RTA_TABLE, kRouteTable).add(RTA_DST, prefix.masked().address);
    if (type == RTN_UNICAST) message.add_u32(RTA_OIF, index_);
    if (add && type == RTN_UNICAST) {
      const auto source = std::ranges::find_if(wanted.addresses, [&](const Prefix& own) {
        return own.address.is_v4() == prefix.address.is_v4();
      });
      if (source != wanted.addresses.end()) message.add(RTA_PREFSRC, source->address);
    }
    auto done = netlink_.request(
        std::move(message), (add ? "add route " : "remove route ") + prefix.to_text());
    // The kernel itself drops routes whose preferred source went away.
    if (!done && !add && done.error().code == ESRCH) return {};
    return done;
  }

  NetlinkSocket netlink_;
  unsigned index_;
  bool ipv6_;
  RouteConfig applied_;
};

// Brings the link up and says what it is called.
Result<std::string, OsError> bring_up(NetlinkSocket& netlink, unsigned index) {
  ifinfomsg body{};
  body.ifi_index = static_cast<int>(index);
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  if (auto up =
          netlink.request(NetlinkMessage(RTM_NEWLINK, NLM_F_ACK, body), "bring the interface up");
      !up) {
    return up.error();
  }
  std::string name;
  ifinfomsg ask{};
  auto read = netlink.dump(
      NetlinkMessage(RTM_GETLINK, NLM_F_DUMP, ask), "list interfaces",
      [&](const NetlinkView& entry) {
        const auto link = entry.body<ifinfomsg>();
        if (static_cast<unsigned>(link.ifi_index) != index) return;
        const std::string_view text = as_text(entry.attribute(sizeof link, IFLA_IFNAME));
        name = text.substr(0, text.find('\0'));
      });
  if (!read) return read.error();
  return name;
}

}  // namespace

Result<std::unique_ptr<Routes>, OsError> Routes::open(unsigned interface_index) {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  const auto name = bring_up(*netlink, interface_index);
  if (!name) return name.error();
  if (auto removed = remove_rules_by(*netlink); !removed) return removed.error();
  if (auto added = add_rules(*netlink); !added) return added.error();
  return std::unique_ptr<Routes>(
      std::make_unique<RoutesLinux>(*std::move(netlink), interface_index, has_ipv6(*name)));
}

Result<void, OsError> remove_rules() {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  return remove_rules_by(*netlink);
}

}  // namespace aya::os
