#include <linux/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "daemon/os/interfaces.h"
#include "daemon/os/netlink.h"
#include "daemon/os/routes.h"
#include "daemon/os/routing_rules.h"

namespace aya::os {
namespace {

std::uint32_t number_of(Bytes attribute) { return read_u32(attribute).value_or(0); }

Result<void, OsError> read_links(NetlinkSocket& netlink, std::vector<Interface>& out) {
  ifinfomsg body{};
  return netlink.dump(
      NetlinkMessage(RTM_GETLINK, NLM_F_DUMP, body), "list interfaces",
      [&](const NetlinkView& entry) {
        const auto link = entry.body<ifinfomsg>();
        Interface& one = out.emplace_back();
        one.index = static_cast<unsigned>(link.ifi_index);
        one.name = read_name(entry.attribute(sizeof link, IFLA_IFNAME));
        one.mtu = number_of(entry.attribute(sizeof link, IFLA_MTU));
        one.up = (link.ifi_flags & IFF_UP) != 0 && (link.ifi_flags & IFF_RUNNING) != 0;
        one.loopback = (link.ifi_flags & IFF_LOOPBACK) != 0;
        one.point_to_point = (link.ifi_flags & IFF_POINTOPOINT) != 0;
      });
}

Result<void, OsError> read_addresses(NetlinkSocket& netlink, std::vector<Interface>& interfaces) {
  ifaddrmsg body{};
  return netlink.dump(
      NetlinkMessage(RTM_GETADDR, NLM_F_DUMP, body), "list addresses",
      [&](const NetlinkView& entry) {
        const auto head = entry.body<ifaddrmsg>();
        // On point-to-point links IFA_ADDRESS is the far end; ours is IFA_LOCAL.
        Bytes raw = entry.attribute(sizeof head, IFA_LOCAL);
        if (raw.empty()) raw = entry.attribute(sizeof head, IFA_ADDRESS);
        const auto address = read_address(head.ifa_family, raw);
        const auto at = std::ranges::find(interfaces, head.ifa_index, &Interface::index);
        if (!address || at == interfaces.end()) return;
        std::uint32_t flags = head.ifa_flags;
        if (const Bytes wide = entry.attribute(sizeof head, IFA_FLAGS); !wide.empty()) {
          flags = number_of(wide);
        }
        at->addresses.push_back(
            {.prefix = {*address, head.ifa_prefixlen},
             .deprecated = (flags & IFA_F_DEPRECATED) != 0,
             .temporary = address->is_v6() && (flags & IFA_F_TEMPORARY) != 0});
      });
}

struct ListedDefault {
  DefaultRoute route;
  std::uint32_t table = 0;
  std::uint32_t metric = 0;
};

// The way out of one family: main's, else that of a table which a rule leads to, as multi-WAN
// routers have them.
std::optional<DefaultRoute> best_default(
    NetlinkSocket& netlink, std::uint8_t family, const std::vector<ListedDefault>& all) {
  const auto best_in = [&](auto&& considered) {
    std::optional<ListedDefault> best;
    for (const ListedDefault& one : all) {
      if (considered(one) && (!best || one.metric < best->metric)) best = one;
    }
    return best;
  };
  auto best = best_in([](const ListedDefault& one) { return one.table == RT_TABLE_MAIN; });
  if (!best && !all.empty()) {
    const auto rules = list_rules(netlink);
    if (!rules) return std::nullopt;
    best = best_in([&](const ListedDefault& one) {
      return std::ranges::any_of(*rules, [&](const ListedRule& rule) {
        return rule.family == family && rule.table == one.table;
      });
    });
  }
  if (!best) return std::nullopt;
  return best->route;
}

bool bears_on_the_overlay(const rtmsg& route, std::uint32_t table, const HostRoute& host) {
  const IpAddress& address = host.destination.address;
  if (is_overlay_address(address)) return true;
  return table == RT_TABLE_MAIN && host.on_link && route.rtm_dst_len != 0 &&
         !address.is_multicast() && !(address.is_v6() && address.is_link_local_unicast());
}

// Default and other routes of one family that are not ours.
Result<void, OsError> read_routes(
    NetlinkSocket& netlink, std::uint8_t family, unsigned ignored_index, NetworkSnapshot& out) {
  std::vector<ListedDefault> defaults;
  rtmsg body{};
  body.rtm_family = family;
  auto read = netlink.dump(
      NetlinkMessage(RTM_GETROUTE, NLM_F_DUMP, body), "list routes", [&](const NetlinkView& entry) {
        const auto route = entry.body<rtmsg>();
        if (route.rtm_family != family || route.rtm_type != RTN_UNICAST) return;
        if ((route.rtm_flags & RTM_F_CLONED) != 0) return;
        const std::uint32_t table =
            read_u32(entry.attribute(sizeof route, RTA_TABLE)).value_or(route.rtm_table);
        const unsigned index = number_of(entry.attribute(sizeof route, RTA_OIF));
        const bool ours = table == kRouteTable || index == ignored_index;
        if (index == 0 || ours || table == RT_TABLE_LOCAL) return;
        const auto gateway = read_address(family, entry.attribute(sizeof route, RTA_GATEWAY));
        if (route.rtm_dst_len == 0) {
          const std::uint32_t metric = number_of(entry.attribute(sizeof route, RTA_PRIORITY));
          defaults.push_back({{index, gateway}, table, metric});
          return;
        }
        const auto address = read_address(family, entry.attribute(sizeof route, RTA_DST));
        const Interface* link = out.find(index);
        if (!address || link == nullptr || !link->up || link->loopback) return;
        HostRoute host{{*address, route.rtm_dst_len}, index, false};
        host.on_link = route.rtm_protocol == RTPROT_KERNEL && !gateway;
        if (bears_on_the_overlay(route, table, host)) out.routes.push_back(host);
      });
  if (!read) return read.error();
  (family == AF_INET ? out.default4 : out.default6) = best_default(netlink, family, defaults);
  return {};
}

}  // namespace

Result<NetworkSnapshot, OsError> take_snapshot(unsigned ignored_index) {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  NetworkSnapshot out;
  if (const auto read = read_links(*netlink, out.interfaces); !read) return read.error();
  if (const auto read = read_addresses(*netlink, out.interfaces); !read) return read.error();
  std::erase_if(out.interfaces, [&](const Interface& one) { return one.index == ignored_index; });
  std::ranges::sort(out.interfaces, {}, &Interface::index);
  for (Interface& one : out.interfaces) std::ranges::sort(one.addresses);

  if (const auto read = read_routes(*netlink, AF_INET, ignored_index, out); !read) {
    return read.error();
  }
  // A system without IPv6 has no such table.
  (void)read_routes(*netlink, AF_INET6, ignored_index, out);
  std::ranges::sort(out.routes);
  out.routes.erase(std::unique(out.routes.begin(), out.routes.end()), out.routes.end());
  return out;
}

}  // namespace aya::os
