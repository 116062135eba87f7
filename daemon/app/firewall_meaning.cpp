#include "daemon/app/firewall_meaning.h"

#include <algorithm>

#include "daemon/sites/site_address.h"

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

// Whether the mesh may only be answered from behind this router. Who has not decided gets that,
// unless containers here would lose what they reach today (os-integration 1.7).
bool only_answers(const local::Prefs& prefs, const os::NetworkSnapshot& networks) {
  if (prefs.no_stateful_filtering) return !*prefs.no_stateful_filtering;
  return std::ranges::none_of(networks.interfaces, [](const os::Interface& interface) {
    return interface.up && interface.is_container_plumbing();
  });
}

}  // namespace

firewall::Plan firewall_plan(FirewallFacts facts, const local::Prefs& prefs) {
  firewall::Plan out;
  out.mode = mode_of(prefs.netfilter_mode);
  out.tun = std::move(facts.tun);
  out.marks.mask = facts.mark.mask;
  out.marks.bypass = facts.mark.value;
  out.marks.forwarded = facts.mark.second_bit();
  out.listen_port = facts.listen_port;
  out.ports = std::move(facts.ports);
  out.self = std::move(facts.self);
  out.peers = std::move(facts.peers);
  make_set(out.ports);
  make_set(out.self);
  make_set(out.peers);
  out.forwards = !prefs.advertise_routes.empty();
  out.masquerade = !prefs.no_snat;
  out.only_answers = out.forwards && only_answers(prefs, facts.networks);
  return out;
}

firewall::Sysctls::Forwarding forwarding(const local::Prefs& prefs) {
  firewall::Sysctls::Forwarding out;
  for (const Prefix& route : prefs.advertise_routes) {
    // A site's network is IPv4, however the mesh calls it.
    const bool v4 = route.address.is_v4() || sites::parse_site_prefix(route);
    (v4 ? out.v4 : out.v6) = true;
  }
  return out;
}

}  // namespace aya::app
