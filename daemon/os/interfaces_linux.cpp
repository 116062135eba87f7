#include <linux/if.h>

#include <algorithm>

#include "daemon/os/interfaces.h"
#include "daemon/os/netlink.h"

namespace aya::os {
namespace {

std::string text_of(Bytes attribute) {
  const std::string_view text = as_text(attribute);
  return std::string(text.substr(0, text.find('\0')));
}

std::uint32_t number_of(Bytes attribute) {
  std::uint32_t out = 0;
  if (attribute.size() == sizeof out) std::memcpy(&out, attribute.data(), sizeof out);
  return out;
}

Result<void, OsError> read_links(NetlinkSocket& netlink, std::vector<Interface>& out) {
  ifinfomsg body{};
  return netlink.dump(
      NetlinkMessage(RTM_GETLINK, NLM_F_DUMP, body), "list interfaces",
      [&](const NetlinkView& entry) {
        const auto link = entry.body<ifinfomsg>();
        Interface& one = out.emplace_back();
        one.index = static_cast<unsigned>(link.ifi_index);
        one.name = text_of(entry.attribute(sizeof link, IFLA_IFNAME));
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

Result<std::optional<DefaultRoute>, OsError> read_default_route(
    NetlinkSocket& netlink, std::uint8_t family, unsigned ignored_index) {
  std::optional<DefaultRoute> best;
  std::uint32_t best_metric = 0;
  rtmsg body{};
  body.rtm_family = family;
  const auto read = netlink.dump(
      NetlinkMessage(RTM_GETROUTE, NLM_F_DUMP, body), "list routes", [&](const NetlinkView& entry) {
        const auto route = entry.body<rtmsg>();
        if (route.rtm_family != family || route.rtm_dst_len != 0) return;
        if (route.rtm_table != RT_TABLE_MAIN || route.rtm_type != RTN_UNICAST) return;
        const unsigned index = number_of(entry.attribute(sizeof route, RTA_OIF));
        if (index == 0 || index == ignored_index) return;
        const std::uint32_t metric = number_of(entry.attribute(sizeof route, RTA_PRIORITY));
        if (best && best_metric <= metric) return;
        best =
            DefaultRoute{index, read_address(family, entry.attribute(sizeof route, RTA_GATEWAY))};
        best_metric = metric;
      });
  if (!read) return read.error();
  return best;
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

  const auto default4 = read_default_route(*netlink, AF_INET, ignored_index);
  if (!default4) return default4.error();
  out.default4 = *default4;
  const auto default6 = read_default_route(*netlink, AF_INET6, ignored_index);
  // A system without IPv6 has no such table.
  if (default6) out.default6 = *default6;
  return out;
}

}  // namespace aya::os
