#include "daemon/app/firewall_meaning.h"

#include <algorithm>

#include "proto/netaddr/site_address.h"

namespace aya::app {
namespace {

template <class T>
void make_set(std::vector<T>& list) {
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

firewall::Mode mode_of(local::NetfilterMode mode) {
  switch (mode) {
    case local::NetfilterMode::Off:
      return firewall::Mode::Off;
    case local::NetfilterMode::NoDivert:
      return firewall::Mode::NoDivert;
    case local::NetfilterMode::On:
      break;
  }
  return firewall::Mode::On;
}

// A family is forwarded while a route of it is offered.
firewall::Sysctls::Forwarding forwarding(const local::Prefs& prefs) {
  firewall::Sysctls::Forwarding out;
  for (const Prefix& route : prefs.advertise_routes) {
    // A site's network is IPv4, however the mesh calls it.
    const bool v4 = route.address.is_v4() || parse_site_prefix(route);
    (v4 ? out.v4 : out.v6) = true;
  }
  return out;
}

std::vector<firewall::NetworkMap> maps_of(const local::Prefs& prefs) {
  std::vector<firewall::NetworkMap> out;
  for (const Prefix& offered : prefs.advertise_routes) {
    const Prefix real = prefs.real_network(offered);
    if (real != offered) out.push_back({offered, real});
  }
  make_set(out);
  return out;
}

// Whether the mesh may only be answered from behind this router. Who has not decided gets that,
// unless containers here would lose what they reach today (os-integration 1.7).
bool only_answers(const local::Prefs& prefs, const os::NetworkSnapshot& networks) {
  if (prefs.no_stateful_filtering) return !*prefs.no_stateful_filtering;
  return std::ranges::none_of(networks.interfaces, [](const os::Interface& interface) {
    return interface.up && interface.is_container_plumbing();
  });
}

// Networks whose machines are reached without a gateway.
std::vector<Prefix> attached(const os::NetworkSnapshot& networks) {
  std::vector<Prefix> out;
  for (const os::Interface& interface : networks.interfaces) {
    if (!interface.up || interface.loopback) continue;
    for (const os::InterfaceAddress& address : interface.addresses) {
      if (!address.prefix.is_host()) out.push_back(address.prefix.masked());
    }
  }
  make_set(out);
  return out;
}

firewall::Marks marks_of(const os::BypassMark& mark) {
  return {.mask = mark.mask, .bypass = mark.value, .forwarded = mark.second_bit()};
}

}  // namespace

firewall::FirewallLink::Node firewall_node(FirewallFacts facts, const local::Prefs& prefs) {
  firewall::FirewallLink::Node out;
  out.kind = prefs.netfilter_kind;
  out.forwarding = forwarding(prefs);
  firewall::Plan& plan = out.plan;
  plan.mode = mode_of(prefs.netfilter_mode);
  plan.tun = std::move(facts.tun);
  plan.marks = marks_of(facts.mark);
  plan.listen_port = facts.listen_port;
  plan.ports = std::move(facts.ports);
  plan.self = std::move(facts.self);
  plan.peers = std::move(facts.peers);
  make_set(plan.ports);
  make_set(plan.self);
  make_set(plan.peers);
  plan.forwards = !prefs.advertise_routes.empty();
  plan.masquerade = !prefs.no_snat;
  plan.maps = maps_of(prefs);
  plan.closes_lan = facts.uses_exit && !prefs.exit_node_allow_lan_access;
  plan.only_answers = plan.forwards && only_answers(prefs, facts.networks);
  return out;
}

std::optional<firewall::KillSwitch> kill_switch(
    const local::Prefs& prefs, const os::NetworkSnapshot& networks, const std::string& tun,
    const os::BypassMark& mark) {
  const bool wants_exit =
      !prefs.exit_node_id.empty() || !prefs.exit_node_ip.empty() || !prefs.auto_exit_node.empty();
  if (!prefs.exit_node_fail_closed || !prefs.want_running || !wants_exit) return std::nullopt;
  if (prefs.netfilter_mode == local::NetfilterMode::Off) return std::nullopt;
  firewall::KillSwitch out;
  out.tun = tun;
  out.marks = marks_of(mark);
  if (prefs.exit_node_allow_lan_access) out.lan = attached(networks);
  return out;
}

}  // namespace aya::app
