#include "cli/settings.h"

#include <algorithm>
#include <array>

#include "cli/nodes.h"
#include "cli/text.h"
#include "proto/base/parse_number.h"
#include "proto/netaddr/endpoint.h"

namespace aya::cli {
namespace {

using local::NetfilterMode;
using local::Prefs;
using local::Status;
using Refusal = std::optional<Failure>;

std::string yes_no(bool value) { return value ? "true" : "false"; }

Refusal refuse(std::string text, Exit code = Exit::BadArgument) {
  return Failure{code, std::move(text)};
}

// Rows whose value is a member of the prefs as it stands.
template <bool Prefs::*Member>
std::string show_switch(const Prefs& prefs, const Status&) {
  return yes_no(prefs.*Member);
}
template <bool Prefs::*Member>
Refusal apply_switch(const std::string& value, Prefs& prefs, const Status&) {
  prefs.*Member = value == "true";
  return {};
}
template <std::string Prefs::*Member>
std::string show_text(const Prefs& prefs, const Status&) {
  return prefs.*Member;
}
template <std::string Prefs::*Member>
Refusal apply_text(const std::string& value, Prefs& prefs, const Status&) {
  prefs.*Member = value;
  return {};
}

// --- routes; offering an exit node is advertising both default routes ---

const std::array<Prefix, 2>& default_routes() {
  static const std::array<Prefix, 2> routes = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
  return routes;
}

bool is_default_route(const Prefix& route) { return route.length == 0; }

void offer_exit_node(Prefs& prefs, bool offer) {
  std::erase_if(prefs.advertise_routes, is_default_route);
  if (!offer) return;
  for (const Prefix& route : default_routes()) prefs.advertise_routes.push_back(route);
}

std::string show_routes(const Prefs& prefs, const Status&) {
  std::vector<std::string> routes;
  for (const Prefix& route : prefs.advertise_routes) {
    if (is_default_route(route)) continue;
    const Prefix real = prefs.real_network(route);
    routes.push_back(real == route ? route.to_text() : local::RouteMap{route, real}.to_text());
  }
  return join(routes, ",");
}

Refusal apply_routes(const std::string& value, Prefs& prefs, const Status&) {
  std::vector<Prefix> routes;
  std::vector<local::RouteMap> maps;
  for (const std::string& text : value.empty() ? Arguments{} : split(value, ',')) {
    if (text.find('=') != std::string::npos) {
      const auto map = local::parse_route_map(text);
      if (!map) return refuse(map.error());
      if (map->offered != map->real) maps.push_back(*map);
      if (std::ranges::find(routes, map->offered) == routes.end()) routes.push_back(map->offered);
      continue;
    }
    const auto address = IpAddress::parse(text);
    const auto route = address ? Prefix::host(*address) : Prefix::parse(text);
    if (!route) return refuse(in_quotes(text) + " is not a valid IP address or CIDR prefix");
    if (!route->is_canonical()) {
      return refuse(text + " has non-address bits set; expected " + route->masked().to_text());
    }
    if (std::ranges::find(routes, *route) == routes.end()) routes.push_back(*route);
  }
  const auto has = [&routes](const Prefix& route) {
    return std::ranges::find(routes, route) != routes.end();
  };
  const auto& [v4, v6] = default_routes();
  if (has(v4) && !has(v6)) {
    return refuse("0.0.0.0/0 advertised without its IPv6 counterpart, please also advertise ::/0");
  }
  if (has(v6) && !has(v4)) {
    return refuse("::/0 advertised without its IPv4 counterpart, please also advertise 0.0.0.0/0");
  }
  if (const auto problem = local::contradiction(maps)) return refuse(*problem);
  const bool offered = prefs.advertises_exit_node() || has(v4);
  prefs.route_maps = std::move(maps);
  prefs.advertise_routes = std::move(routes);
  offer_exit_node(prefs, offered);
  return {};
}

std::string show_offers_exit(const Prefs& prefs, const Status&) {
  return yes_no(prefs.advertises_exit_node());
}
Refusal apply_offers_exit(const std::string& value, Prefs& prefs, const Status&) {
  offer_exit_node(prefs, value == "true");
  return {};
}

// --- tags ---

std::string show_tags(const Prefs& prefs, const Status&) { return join(prefs.advertise_tags, ","); }

Refusal apply_tags(const std::string& value, Prefs& prefs, const Status&) {
  std::vector<std::string> tags;
  for (const std::string& text : value.empty() ? Arguments{} : split(value, ',')) {
    const std::string tag = text.starts_with("tag:") ? text : "tag:" + text;
    const std::string_view name = std::string_view(tag).substr(4);
    if (name.empty()) return refuse("tag: " + in_quotes(text) + ": tag names must not be empty");
    const bool plain = std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!plain) {
      return refuse("tag: " + in_quotes(text) + ": tag names are letters, digits and dashes");
    }
    tags.push_back(tag);
  }
  prefs.advertise_tags = std::move(tags);
  return {};
}

// --- the exit node in use ---

std::string show_exit_node(const Prefs& prefs, const Status& status) {
  if (!prefs.auto_exit_node.empty()) return "auto:" + prefs.auto_exit_node;
  if (!prefs.exit_node_ip.empty() || prefs.exit_node_id.empty()) return prefs.exit_node_ip;
  for (const auto& peer : status.peers) {
    if (peer.id == prefs.exit_node_id && !peer.tailscale_ips.empty()) {
      return peer.tailscale_ips.front().to_text();
    }
  }
  return prefs.exit_node_id;
}

Refusal use_peer_as_exit(const std::string& who, Prefs& prefs, const Status& status) {
  const auto address = IpAddress::parse(who);
  const auto found = find_node(status, who);
  if (!found && address) {
    // Stopped or not yet joined: nobody can tell who has it.
    if (status.backend_state != local::BackendState::Running) {
      prefs.exit_node_ip = who;
      return {};
    }
    return refuse("no node found in netmap with IP " + who, Exit::NoSuchNode);
  }
  if (!found) {
    return refuse(
        "invalid value " + in_quotes(who) + " for --exit-node; must be IP or peer hostname",
        Exit::NoSuchNode);
  }
  if (*found == &status.self) {
    return refuse(
        "cannot use " + printable(who) +
        " as an exit node as it is a local IP address to this machine; did you mean "
        "--advertise-exit-node?");
  }
  if (!(*found)->exit_node_option || (*found)->tailscale_ips.empty()) {
    return refuse(
        "node " + in_quotes(who) +
            " is not advertising an exit node; run there: set "
            "--advertise-exit-node, and have it approved",
        Exit::NoSuchNode);
  }
  prefs.exit_node_ip = (*found)->tailscale_ips.front().to_text();
  return {};
}

Refusal apply_exit_node(const std::string& value, Prefs& prefs, const Status& status) {
  prefs.exit_node_id.clear();
  prefs.exit_node_ip.clear();
  prefs.auto_exit_node.clear();
  // A node may be called like one of these words, and is meant then.
  const bool is_word = !find_node(status, value);
  if (value.empty() || (is_word && (value == "none" || value == "off"))) return {};
  if (is_word && (value == "auto" || value.starts_with(local::kAutoExitNodePrefix))) {
    prefs.auto_exit_node = value == "auto" ? "any" : value.substr(5);
    return {};
  }
  return use_peer_as_exit(value, prefs, status);
}

// --- the rest ---

// Scripts may write the same server in several ways.
std::string server_url(std::string value) {
  if (!value.empty() && value.find("://") == std::string::npos) value = "https://" + value;
  while (value.ends_with('/')) value.pop_back();
  return value;
}

Refusal apply_login_server(const std::string& value, Prefs& prefs, const Status&) {
  prefs.control_url = server_url(value);
  return {};
}

std::string show_netfilter(const Prefs& prefs, const Status&) {
  switch (prefs.netfilter_mode) {
    case NetfilterMode::Off:
      return "off";
    case NetfilterMode::NoDivert:
      return "nodivert";
    case NetfilterMode::On:
      return "on";
  }
  return "";
}

Refusal apply_netfilter(const std::string& value, Prefs& prefs, const Status&) {
  if (value == "on")
    prefs.netfilter_mode = NetfilterMode::On;
  else if (value == "nodivert")
    prefs.netfilter_mode = NetfilterMode::NoDivert;
  else if (value == "off")
    prefs.netfilter_mode = NetfilterMode::Off;
  else
    return refuse("invalid value --netfilter-mode=" + in_quotes(value));
  return {};
}

std::string show_snat(const Prefs& prefs, const Status&) { return yes_no(!prefs.no_snat); }
Refusal apply_snat(const std::string& value, Prefs& prefs, const Status&) {
  prefs.no_snat = value != "true";
  return {};
}

std::string show_stateful(const Prefs& prefs, const Status&) {
  return yes_no(!prefs.no_stateful_filtering.value_or(true));
}
Refusal apply_stateful(const std::string& value, Prefs& prefs, const Status&) {
  prefs.no_stateful_filtering = value != "true";
  return {};
}

std::string show_auto_update(const Prefs& prefs, const Status&) {
  return yes_no(prefs.auto_update_apply.value_or(false));
}
Refusal apply_auto_update(const std::string& value, Prefs& prefs, const Status&) {
  prefs.auto_update_apply = value == "true";
  return {};
}

std::string show_relay_port(const Prefs& prefs, const Status&) {
  return prefs.relay_server_port ? std::to_string(*prefs.relay_server_port) : "";
}
Refusal apply_relay_port(const std::string& value, Prefs& prefs, const Status&) {
  prefs.relay_server_port.reset();
  if (value.empty()) return {};
  const auto port = parse_number<std::uint16_t>(value);
  if (!port) {
    return refuse("failed to set relay server port: " + in_quotes(value) + " is not 0 to 65535");
  }
  prefs.relay_server_port = *port;
  return {};
}

std::string show_relay_endpoints(const Prefs& prefs, const Status&) {
  return join(prefs.relay_server_static_endpoints, ",");
}
Refusal apply_relay_endpoints(const std::string& value, Prefs& prefs, const Status&) {
  std::vector<std::string> endpoints = value.empty() ? Arguments{} : split(value, ',');
  for (const std::string& text : endpoints) {
    if (!Endpoint::parse(text)) return refuse(in_quotes(text) + " is not an address and a port");
  }
  prefs.relay_server_static_endpoints = std::move(endpoints);
  return {};
}

constexpr bool kSwitch = true, kText = false, kUp = true, kSet = true, kGet = true, kNot = false;

// clang-format off
constexpr Setting kSettings[] = {
    {"accept-dns", "take DNS settings from the network", kSwitch, kUp, kSet, kGet, show_switch<&Prefs::corp_dns>, apply_switch<&Prefs::corp_dns>},
    {"accept-routes", "reach the subnets that other nodes offer", kSwitch, kUp, kSet, kGet, show_switch<&Prefs::route_all>, apply_switch<&Prefs::route_all>},
    {"advertise-connector", "offer to be an app connector", kSwitch, kUp, kSet, kGet, show_switch<&Prefs::app_connector_advertise>, apply_switch<&Prefs::app_connector_advertise>},
    {"advertise-exit-node", "offer to carry other nodes' Internet traffic", kSwitch, kUp, kSet, kGet, show_offers_exit, apply_offers_exit},
    {"advertise-routes", "offer these subnets, with commas between; OFFERED=REAL for one under other addresses", kText, kUp, kSet, kGet, show_routes, apply_routes},
    {"advertise-tags", "ask for these tags, with commas between", kText, kUp, kNot, kNot, show_tags, apply_tags},
    {"auto-update", "update this program by itself", kSwitch, kNot, kSet, kGet, show_auto_update, apply_auto_update},
    {"exit-node", "send Internet traffic through this node; empty: directly", kText, kUp, kSet, kGet, show_exit_node, apply_exit_node},
    {"exit-node-allow-lan-access", "reach the local network while using an exit node", kSwitch, kUp, kSet, kGet, show_switch<&Prefs::exit_node_allow_lan_access>, apply_switch<&Prefs::exit_node_allow_lan_access>},
    {"exit-node-fail-closed", "block what the exit node does not carry, also while it is away", kSwitch, kUp, kSet, kNot, show_switch<&Prefs::exit_node_fail_closed>, apply_switch<&Prefs::exit_node_fail_closed>},
    {"hostname", "name to show instead of the machine's own", kText, kUp, kSet, kGet, show_text<&Prefs::hostname>, apply_text<&Prefs::hostname>},
    {"login-server", "address of the server of your network", kText, kUp, kNot, kNot, show_text<&Prefs::control_url>, apply_login_server},
    {"netfilter-mode", "firewall rules: on, nodivert or off", kText, kUp, kSet, kGet, show_netfilter, apply_netfilter},
    {"nickname", "name of this login in lists", kText, kNot, kSet, kGet, show_text<&Prefs::profile_name>, apply_text<&Prefs::profile_name>},
    {"operator", "user who may run this program without root", kText, kUp, kSet, kGet, show_text<&Prefs::operator_user>, apply_text<&Prefs::operator_user>},
    {"relay-server-port", "UDP port to relay for peers on; empty: do not relay", kText, kNot, kSet, kGet, show_relay_port, apply_relay_port},
    {"relay-server-static-endpoints", "where peers reach the relay, with commas between", kText, kNot, kSet, kGet, show_relay_endpoints, apply_relay_endpoints},
    {"report-posture", "let the server ask for device details", kSwitch, kUp, kSet, kGet, show_switch<&Prefs::posture_checking>, apply_switch<&Prefs::posture_checking>},
    {"server-cert", "the only certificate the server may show, as sha256-raw:HEX", kText, kUp, kNot, kNot, show_text<&Prefs::server_cert_pin>, apply_text<&Prefs::server_cert_pin>},
    {"shields-up", "refuse connections from other nodes", kSwitch, kUp, kSet, kGet, show_switch<&Prefs::shields_up>, apply_switch<&Prefs::shields_up>},
    {"snat-subnet-routes", "hide the senders of traffic to offered subnets", kSwitch, kUp, kSet, kGet, show_snat, apply_snat},
    {"ssh", "let other nodes log in here by SSH", kSwitch, kUp, kSet, kGet, show_switch<&Prefs::run_ssh>, apply_switch<&Prefs::run_ssh>},
    {"stateful-filtering", "filter forwarded traffic by connection", kSwitch, kUp, kSet, kGet, show_stateful, apply_stateful},
    {"update-check", "say when there is an update", kSwitch, kNot, kSet, kGet, show_switch<&Prefs::auto_update_check>, apply_switch<&Prefs::auto_update_check>},
    {"webclient", "serve the settings page to other nodes", kSwitch, kNot, kSet, kGet, show_switch<&Prefs::run_web_client>, apply_switch<&Prefs::run_web_client>},
};
// clang-format on

}  // namespace

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view name) {
  const auto found = std::ranges::find(kSettings, name, &Setting::name);
  return found == std::end(kSettings) ? nullptr : &*found;
}

std::string as_flag(const Setting& setting, const std::string& value) {
  const std::string name = "--" + std::string(setting.name);
  return setting.is_switch && value == "true" ? name : name + "=" + value;
}

ChosenSettings::ChosenSettings(SettingsOf verb, Flags& flags) {
  for (const Setting& setting : settings()) {
    const bool nickname = verb == SettingsOf::Login && setting.name == "nickname";
    if (!(verb == SettingsOf::Set ? setting.in_set : setting.in_up || nickname)) continue;
    if (setting.is_switch) {
      flags.boolean(std::string(setting.name), switches_[setting.name], std::string(setting.help));
    } else {
      flags.text(std::string(setting.name), texts_[setting.name], std::string(setting.help));
    }
  }
}

std::optional<std::string> ChosenSettings::value(std::string_view name) const {
  if (const auto at = switches_.find(name); at != switches_.end() && at->second) {
    return yes_no(*at->second);
  }
  if (const auto at = texts_.find(name); at != texts_.end()) return at->second;
  return std::nullopt;
}

bool ChosenSettings::any() const {
  return std::ranges::any_of(
      settings(), [this](const Setting& setting) { return value(setting.name).has_value(); });
}

Result<Prefs, Failure> ChosenSettings::applied_to(Prefs prefs, const Status& status) const {
  for (const Setting& setting : settings()) {
    const auto given = value(setting.name);
    if (!given) continue;
    if (auto refused = setting.apply(*given, prefs, status)) return *std::move(refused);
  }
  return prefs;
}

Prefs with_up_defaults(Prefs prefs) {
  const Prefs fresh;
  const Status nothing;
  for (const Setting& setting : settings()) {
    if (setting.in_up) (void)setting.apply(setting.show(fresh, nothing), prefs, nothing);
  }
  return prefs;
}

std::vector<std::string> changes(const Prefs& from, const Prefs& to, const Status& status) {
  std::vector<std::string> lines;
  for (const Setting& setting : settings()) {
    const std::string before = setting.show(from, status), after = setting.show(to, status);
    if (before == after) continue;
    const auto shown = [](const std::string& value) {
      return value.empty() ? std::string("(none)") : printable(value);
    };
    lines.push_back(std::string(setting.name) + ": " + shown(before) + " -> " + shown(after));
  }
  return lines;
}

}  // namespace aya::cli
