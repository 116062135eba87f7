// Private to this room's sources: the one list of the fields of Prefs, with their JSON names, in
// the order in which they print. Printing, reading, masks and comparison all walk it.
#pragma once

#include <string_view>

#include "proto/local/json_fields.h"
#include "proto/local/prefs.h"

namespace aya::local {

enum class Printed { Always, WhenSet };

// Calls visit(name, printed, field of each prefs...). A dot in a name is an object inside.
template <class Visit, class... P>
void visit_fields(Visit&& visit, P&... prefs) {
  using enum Printed;
  visit("ControlURL", Always, prefs.control_url...);
  visit("RouteAll", Always, prefs.route_all...);
  visit("ExitNodeID", Always, prefs.exit_node_id...);
  visit("ExitNodeIP", Always, prefs.exit_node_ip...);
  visit("AutoExitNode", WhenSet, prefs.auto_exit_node...);
  visit("InternalExitNodePrior", Always, prefs.internal_exit_node_prior...);
  visit("ExitNodeAllowLANAccess", Always, prefs.exit_node_allow_lan_access...);
  visit("ExitNodeFailClosed", WhenSet, prefs.exit_node_fail_closed...);
  visit("CorpDNS", Always, prefs.corp_dns...);
  visit("RunSSH", Always, prefs.run_ssh...);
  visit("RunWebClient", Always, prefs.run_web_client...);
  visit("WantRunning", Always, prefs.want_running...);
  visit("LoggedOut", Always, prefs.logged_out...);
  visit("ShieldsUp", Always, prefs.shields_up...);
  visit("AdvertiseTags", Always, prefs.advertise_tags...);
  visit("Hostname", Always, prefs.hostname...);
  visit("NotepadURLs", Always, prefs.notepad_urls...);
  visit("ForceDaemon", WhenSet, prefs.force_daemon...);
  visit("AdvertiseRoutes", Always, prefs.advertise_routes...);
  visit("RouteMaps", WhenSet, prefs.route_maps...);
  visit("AdvertiseServices", Always, prefs.advertise_services...);
  visit("Sync", Always, prefs.sync...);
  visit("NoSNAT", Always, prefs.no_snat...);
  visit("NoStatefulFiltering", Always, prefs.no_stateful_filtering...);
  visit("NetfilterMode", Always, prefs.netfilter_mode...);
  visit("OperatorUser", WhenSet, prefs.operator_user...);
  visit("ProfileName", WhenSet, prefs.profile_name...);
  visit("AutoUpdate.Check", Always, prefs.auto_update_check...);
  visit("AutoUpdate.Apply", Always, prefs.auto_update_apply...);
  visit("AppConnector.Advertise", Always, prefs.app_connector_advertise...);
  visit("PostureChecking", Always, prefs.posture_checking...);
  visit("NetfilterKind", Always, prefs.netfilter_kind...);
  visit("RemoteConfig", Always, prefs.remote_config...);
  visit("RelayServerPort", WhenSet, prefs.relay_server_port...);
  visit("RelayServerStaticEndpoints", WhenSet, prefs.relay_server_static_endpoints...);
  visit("ServerCertPin", WhenSet, prefs.server_cert_pin...);
  visit("ResumeAt", WhenSet, prefs.resume_at...);
}

// "AutoUpdate.Check" in its parts; the outer one is empty for plain fields.
struct FieldName {
  explicit FieldName(std::string_view name) {
    const std::size_t dot = name.find('.');
    if (dot != std::string_view::npos) outer = name.substr(0, dot);
    inner = name.substr(dot == std::string_view::npos ? 0 : dot + 1);
  }
  std::string outer, inner;
};

Json to_json_value(const Prefs& prefs);
void read_prefs(Fields& in, Prefs& out);

}  // namespace aya::local
