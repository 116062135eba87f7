#include "daemon/app/unapplied_settings.h"

namespace aya::app {

std::vector<local::HealthWarning> unapplied_settings(const local::Prefs& prefs) {
  std::vector<local::HealthWarning> out;
  const auto tell = [&](bool chosen, const char* code, const char* text) {
    if (chosen) out.push_back({code, "low", "Setting without effect", text, std::nullopt, false});
  };
  tell(
      prefs.exit_node_fail_closed && prefs.netfilter_mode == local::NetfilterMode::Off,
      "unapplied-fail-closed",
      "Traffic that does not go by the exit node is to be blocked, but netfilter-mode=off forbids "
      "firewall rules.");
  tell(
      !prefs.route_maps.empty() && prefs.netfilter_mode == local::NetfilterMode::Off,
      "unapplied-route-maps",
      "Networks are to be offered under other addresses, but netfilter-mode=off forbids firewall "
      "rules.");
  tell(prefs.run_ssh, "unapplied-ssh", "SSH is switched on, but this version has no SSH server.");
  tell(
      prefs.app_connector_advertise, "unapplied-connector",
      "This node offers to be an app connector, which this version is not.");
  tell(
      prefs.relay_server_port.has_value(), "unapplied-peer-relay",
      "A port to relay for peers on is chosen, but this version does not relay for peers.");
  return out;
}

}  // namespace aya::app
