#include "daemon/os/routes.h"

#include <linux/if.h>
#include <sys/socket.h>
#include <linux/if_addr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "daemon/os/netlink.h"
#include "daemon/os/repair_pace.h"
#include "daemon/os/routing_rules.h"

namespace aya::os {
namespace {

// Without tables of our own, the host's routes go first.
constexpr std::uint32_t kMetricInMain = 5400;

// Whether the interface takes IPv6 addresses: the module may be off, the MTU too small, or it is
// off for this one.
bool has_ipv6(const std::string& interface) {
  const std::string path = "/proc/sys/net/ipv6/conf/" + interface + "/disable_ipv6";
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  const int value = std::fgetc(file);
  std::fclose(file);
  return value == '0';
}

// Packets of the overlay may come from anywhere, as far as the host's own routes know.
void loosen_reverse_path(const std::string& interface) {
  const std::string path = "/proc/sys/net/ipv4/conf/" + interface + "/rp_filter";
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return;
  std::fputs("0\n", file);
  std::fclose(file);
}

std::uint8_t kernel_type(RouteKind kind) {
  switch (kind) {
    case RouteKind::Throw:
      return RTN_THROW;
    case RouteKind::Unreachable:
      return RTN_UNREACHABLE;
    case RouteKind::Tunnel:
      break;
  }
  return RTN_UNICAST;
}

// A route of ours, as the kernel lists it; nullopt: another's.
struct ListedRoute {
  Prefix prefix;
  std::uint8_t type = 0;
  std::uint8_t protocol = 0;
  unsigned index = 0;
};
std::optional<ListedRoute> read_own_route(const NetlinkView& entry, std::uint32_t table) {
  const auto route = entry.body<rtmsg>();
  if (read_u32(entry.attribute(sizeof route, RTA_TABLE)).value_or(route.rtm_table) != table) {
    return std::nullopt;
  }
  if (table != kRouteTable && route.rtm_protocol != kRouteProtocol) return std::nullopt;
  const Bytes destination = entry.attribute(sizeof route, RTA_DST);
  const auto address = destination.empty() && route.rtm_dst_len == 0
                           ? IpAddress::parse(route.rtm_family == AF_INET ? "0.0.0.0" : "::")
                           : read_address(route.rtm_family, destination);
  if (!address) return std::nullopt;
  return ListedRoute{
      {*address, route.rtm_dst_len},
      route.rtm_type,
      route.rtm_protocol,
      read_u32(entry.attribute(sizeof route, RTA_OIF)).value_or(0)};
}

Result<std::vector<ListedRoute>, OsError> list_own_routes(
    NetlinkSocket& netlink, std::uint32_t table) {
  std::vector<ListedRoute> out;
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    rtmsg body{};
    body.rtm_family = family;
    NetlinkMessage ask(RTM_GETROUTE, NLM_F_DUMP, body);
    ask.add_u32(RTA_TABLE, table);
    const auto read =
        netlink.dump(std::move(ask), "list our routes", [&](const NetlinkView& entry) {
          if (entry.type() != RTM_NEWROUTE || entry.body<rtmsg>().rtm_family != family) return;
          if (auto route = read_own_route(entry, table)) out.push_back(*route);
        });
    // A table without routes does not exist, nor does a family that is switched off.
    if (!read && read.error().code != ENOENT && family == AF_INET) return read.error();
  }
  return out;
}

NetlinkMessage route_message(
    std::uint16_t type, std::uint32_t table, const Prefix& prefix, std::uint8_t kernel_type,
    unsigned index) {
  const bool add = type == RTM_NEWROUTE;
  rtmsg body{};
  body.rtm_family = family_of(prefix.address);
  body.rtm_dst_len = prefix.length;
  body.rtm_protocol = kRouteProtocol;
  body.rtm_scope = kernel_type == RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  body.rtm_type = kernel_type;
  NetlinkMessage message(
      type, static_cast<std::uint16_t>(NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0)), body);
  message.add_u32(RTA_TABLE, table);
  if (prefix.length != 0) message.add(RTA_DST, prefix.masked().address);
  if (kernel_type == RTN_UNICAST) message.add_u32(RTA_OIF, index);
  if (table != kRouteTable) message.add_u32(RTA_PRIORITY, kMetricInMain);
  return message;
}

struct Link {
  std::string name;
  bool up = false;
};
Result<Link, OsError> read_link(NetlinkSocket& netlink, unsigned index) {
  Link out;
  ifinfomsg ask{};
  auto read = netlink.dump(
      NetlinkMessage(RTM_GETLINK, NLM_F_DUMP, ask), "list interfaces",
      [&](const NetlinkView& entry) {
        const auto link = entry.body<ifinfomsg>();
        if (static_cast<unsigned>(link.ifi_index) != index) return;
        out.name = read_name(entry.attribute(sizeof link, IFLA_IFNAME));
        out.up = (link.ifi_flags & IFF_UP) != 0;
      });
  if (!read) return read.error();
  return out;
}

std::vector<Prefix>& list_of(RouteConfig& config, RouteKind kind) {
  switch (kind) {
    case RouteKind::Throw:
      return config.throws;
    case RouteKind::Unreachable:
      return config.unreachable;
    case RouteKind::Tunnel:
      break;
  }
  return config.routes;
}

class RoutesLinux final : public Routes {
 public:
  struct Parts {
    NetlinkSocket netlink;
    NetlinkEvents events;
    unsigned index;
    std::string name;
    BypassMark mark;
    bool policy_routing;
  };
  explicit RoutesLinux(Parts parts)
      : netlink_(std::move(parts.netlink)),
        events_(std::move(parts.events)),
        index_(parts.index),
        name_(std::move(parts.name)),
        mark_(parts.mark),
        policy_routing_(parts.policy_routing) {}

  ~RoutesLinux() override {
    (void)apply({});
    if (policy_routing_) (void)remove_rules(netlink_);
  }

  // What a killed daemon left in our table, taken away.
  Result<void, OsError> sweep() {
    auto have = read_back();
    if (!have) return have.error();
    return carry_out(difference(*have, {}), {});
  }

  RouteAbilities abilities() const override {
    return {.ipv6 = has_ipv6(name_), .policy_routing = policy_routing_};
  }

  Result<void, OsError> apply(const RouteConfig& wanted) override {
    wanted_ = wanted;
    const RouteConfig want = feasible_now();
    return carry_out(difference(standing_, want), want);
  }

  int poll_fd() const override { return events_.fd(); }

  void on_readable(TimePoint now) override {
    bool lost = false;
    const bool whole = events_.drain([&](const NetlinkView& event) {
      if (may_be_loss(event)) lost = true;
    });
    if (lost || !whole) pace_.on_loss(now);
  }

  Result<bool, OsError> advance(TimePoint now) override {
    if (!pace_.take_due(now)) return false;
    auto repaired = repair();
    if (repaired && *repaired) pace_.on_repaired(now);
    return repaired;
  }

  std::optional<TimePoint> next_deadline() const override { return pace_.next_deadline(); }
  bool is_contested(TimePoint now) const override { return pace_.is_contested(now); }

 private:
  struct Step {
    bool adds = false;
    std::optional<RouteKind> route;  // nullopt: an address
    Prefix prefix;

    std::string text() const {
      return std::string(adds ? "add " : "remove ") + (route ? "route " : "address ") +
             prefix.to_text();
    }
    // Gone already: the kernel itself drops routes whose preferred source or interface went away.
    bool was_so(int error) const { return !adds && error == (route ? ESRCH : EADDRNOTAVAIL); }
  };

  RouteConfig feasible_now() {
    const RouteAbilities able = abilities();
    ipv6_ = able.ipv6;
    return feasible(wanted_, able);
  }

  std::uint32_t table() const { return policy_routing_ ? kRouteTable : RT_TABLE_MAIN; }

  Result<void, OsError> carry_out(const RouteChange& change, const RouteConfig& want) {
    std::vector<Step> steps;
    for (const Prefix& own : change.add_addresses) steps.push_back({true, std::nullopt, own});
    for (const TableRoute& one : change.put) steps.push_back({true, one.kind, one.prefix});
    for (const TableRoute& one : change.remove) steps.push_back({false, one.kind, one.prefix});
    for (const Prefix& own : change.remove_addresses) steps.push_back({false, std::nullopt, own});
    std::vector<NetlinkMessage> messages;
    messages.reserve(steps.size());
    for (const Step& step : steps) messages.push_back(message_for(step, want));

    const auto errors = netlink_.request_all(std::move(messages));
    if (!errors) {
      // Nobody knows what was done: the next call starts from what stands there.
      if (auto have = read_back()) standing_ = *std::move(have);
      return errors.error();
    }
    std::optional<OsError> first;
    standing_ = want;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Step& step = steps[i];
      const int code = (*errors)[i];
      if (code == 0 || step.was_so(code)) continue;
      if (!first) first = OsError{code, step.text(), {}};
      // What failed is left out of the record, or kept in it, so that the next call tries again.
      auto& list = step.route ? list_of(standing_, *step.route) : standing_.addresses;
      if (step.adds) {
        std::erase(list, step.prefix);
      } else {
        list.push_back(step.prefix);
      }
    }
    if (first) return *first;
    return {};
  }

  NetlinkMessage message_for(const Step& step, const RouteConfig& want) const {
    if (!step.route) return address_message(step);
    NetlinkMessage message = route_message(
        step.adds ? RTM_NEWROUTE : RTM_DELROUTE, table(), step.prefix, kernel_type(*step.route),
        index_);
    if (step.adds && *step.route == RouteKind::Tunnel) {
      const auto source = std::ranges::find_if(want.addresses, [&](const Prefix& own) {
        return own.address.is_v4() == step.prefix.address.is_v4();
      });
      if (source != want.addresses.end()) message.add(RTA_PREFSRC, source->address);
    }
    return message;
  }

  NetlinkMessage address_message(const Step& step) const {
    ifaddrmsg body{};
    body.ifa_family = family_of(step.prefix.address);
    body.ifa_prefixlen = step.prefix.length;
    body.ifa_index = index_;
    NetlinkMessage message(
        step.adds ? RTM_NEWADDR : RTM_DELADDR,
        static_cast<std::uint16_t>(NLM_F_ACK | (step.adds ? NLM_F_CREATE | NLM_F_REPLACE : 0)),
        body);
    message.add(IFA_LOCAL, step.prefix.address).add(IFA_ADDRESS, step.prefix.address);
    std::uint32_t flags = IFA_F_NOPREFIXROUTE;
    if (step.prefix.address.is_v6()) flags |= IFA_F_NODAD;
    if (step.adds) message.add_u32(IFA_FLAGS, flags);
    return message;
  }

  // What of ours the kernel has. Addresses that somebody else gave the interface are not ours.
  Result<RouteConfig, OsError> read_back() {
    RouteConfig out;
    std::vector<Prefix> addresses;
    ifaddrmsg ask{};
    const auto read = netlink_.dump(
        NetlinkMessage(RTM_GETADDR, NLM_F_DUMP, ask), "list addresses",
        [&](const NetlinkView& entry) {
          const auto head = entry.body<ifaddrmsg>();
          if (head.ifa_index != index_) return;
          Bytes raw = entry.attribute(sizeof head, IFA_LOCAL);
          if (raw.empty()) raw = entry.attribute(sizeof head, IFA_ADDRESS);
          const auto address = read_address(head.ifa_family, raw);
          if (address) addresses.push_back({*address, head.ifa_prefixlen});
        });
    if (!read) return read.error();
    for (const Prefix& own : standing_.addresses) {
      if (std::ranges::find(addresses, own) != addresses.end()) out.addresses.push_back(own);
    }
    const auto routes = list_own_routes(netlink_, table());
    if (!routes) return routes.error();
    for (const ListedRoute& route : *routes) {
      if (route.type == RTN_THROW) out.throws.push_back(route.prefix);
      if (route.type == RTN_UNREACHABLE) out.unreachable.push_back(route.prefix);
      if (route.type == RTN_UNICAST && route.index == index_) out.routes.push_back(route.prefix);
    }
    return out;
  }

  Result<bool, OsError> repair() {
    bool anything = false;
    if (policy_routing_) {
      const auto missing = put_rules(netlink_, mark_);
      if (!missing) return missing.error();
      anything = *missing > 0;
    }
    const auto link = read_link(netlink_, index_);
    if (!link) return link.error();
    if (!link->up) return anything;  // somebody's wish; routes come back when it is up again
    const auto have = read_back();
    if (!have) return have.error();
    const RouteConfig want = feasible_now();
    const RouteChange change = difference(*have, want);
    if (change.empty()) return anything;
    if (auto done = carry_out(change, want); !done) return done.error();
    return true;
  }

  bool may_be_loss(const NetlinkView& event) {
    const bool own_doing = event.header().nlmsg_pid == netlink_.port();
    switch (event.type()) {
      case RTM_DELRULE:
        return !own_doing && read_rule(event).is_ours();
      case RTM_NEWRULE:
        return read_rule(event).is_mwan3();
      case RTM_DELROUTE:
        return !own_doing && read_own_route(event, table());
      case RTM_NEWROUTE: {
        // Somebody replaced one of ours.
        const auto route = read_own_route(event, table());
        if (route) return !own_doing && route->protocol != kRouteProtocol;
        return became_able_of_ipv6(event);
      }
      case RTM_DELADDR:
        return !own_doing && event.body<ifaddrmsg>().ifa_index == index_;
      case RTM_NEWLINK: {
        const auto link = event.body<ifinfomsg>();
        if (static_cast<unsigned>(link.ifi_index) != index_) return false;
        // A link that went down lost its routes without further notice.
        const bool down = (link.ifi_flags & IFF_UP) == 0;
        return std::exchange(link_is_down_, down) && !down;
      }
      default:
        return false;
    }
  }

  // The interface gets its route for multicast when its IPv6 is switched on; nothing else tells.
  bool became_able_of_ipv6(const NetlinkView& event) const {
    const auto route = event.body<rtmsg>();
    return route.rtm_family == AF_INET6 && !ipv6_ &&
           read_u32(event.attribute(sizeof route, RTA_OIF)) == index_ && has_ipv6(name_);
  }

  NetlinkSocket netlink_;
  NetlinkEvents events_;
  unsigned index_;
  std::string name_;
  BypassMark mark_;
  bool policy_routing_;
  bool link_is_down_ = false;
  bool ipv6_ = false;  // as of the last look
  RouteConfig wanted_;
  RouteConfig standing_;  // what of it is in the kernel, as far as we know
  RepairPace pace_;
};

Result<void, OsError> bring_up(NetlinkSocket& netlink, unsigned index) {
  ifinfomsg body{};
  body.ifi_index = static_cast<int>(index);
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  return netlink.request(NetlinkMessage(RTM_NEWLINK, NLM_F_ACK, body), "bring the interface up");
}

}  // namespace

Result<std::unique_ptr<Routes>, OsError> Routes::open(
    unsigned interface_index, const BypassMark& mark) {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  if (auto up = bring_up(*netlink, interface_index); !up) return up.error();
  const auto link = read_link(*netlink, interface_index);
  if (!link) return link.error();
  loosen_reverse_path(link->name);

  static constexpr std::array<int, 7> kGroups = {
      RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
      RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE};
  auto events = NetlinkEvents::open(kGroups, "watch the routes");
  if (!events) return events.error();
  const auto rules = put_rules(*netlink, mark);
  const bool policy_routing = rules || rules.error().code != EOPNOTSUPP;
  if (policy_routing && !rules) return rules.error();

  auto out = std::make_unique<RoutesLinux>(RoutesLinux::Parts{
      *std::move(netlink), *std::move(events), interface_index, link->name, mark, policy_routing});
  if (auto swept = out->sweep(); !swept) return swept.error();
  return std::unique_ptr<Routes>(std::move(out));
}

Result<void, OsError> remove_leftovers() {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  if (auto removed = remove_rules(*netlink); !removed) return removed.error();
  const auto routes = list_own_routes(*netlink, kRouteTable);
  if (!routes) return routes.error();
  std::vector<NetlinkMessage> messages;
  for (const ListedRoute& route : *routes) {
    messages.push_back(
        route_message(RTM_DELROUTE, kRouteTable, route.prefix, route.type, route.index));
  }
  const auto errors = netlink->request_all(std::move(messages));
  if (!errors) return errors.error();
  return {};
}

}  // namespace aya::os
