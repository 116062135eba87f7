// The settings of a node as the local interface shows and edits them (interfaces 4.3). JSON names
// and shapes are those that existing front-ends read and write; values only, any thread.
//
//   auto edit = parse_masked_prefs(body);       {"ShieldsUpSet": true, "ShieldsUp": true}
//   if (auto refused = refusal(*edit)) ...      why a readable edit may not be applied
//   Prefs next = apply(*edit, prefs);           only the fields of the mask change
//
// Private keys are never part of it: `Config` prints zeroed ones where deployed clients expect a
// key, and whatever a client sends there is ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/local/route_map.h"
#include "proto/local/user_profile.h"
#include "proto/netaddr/prefix.h"

namespace aya::local {

enum class NetfilterMode : std::uint8_t { Off = 0, NoDivert = 1, On = 2 };

// Who is logged in, as far as clients may know.
struct PrefsConfig {
  UserProfile user;
  std::string node_id;  // stable id
  friend bool operator==(const PrefsConfig&, const PrefsConfig&) = default;
};

struct Prefs {
  std::string control_url;  // "" before the first login
  bool route_all = false;   // accept subnet routes of others
  std::string exit_node_id;
  std::string exit_node_ip;
  std::string auto_exit_node;  // "" or "any"
  std::string internal_exit_node_prior;
  bool exit_node_allow_lan_access = false;
  bool exit_node_fail_closed = false;  // ours: nothing leaves this host but by the chosen exit node
  bool corp_dns = true;
  bool run_ssh = false;
  bool run_web_client = false;
  bool want_running = false;
  bool logged_out = true;
  bool shields_up = false;
  std::vector<std::string> advertise_tags;
  std::string hostname;  // "": the name of the machine
  bool notepad_urls = false;
  bool force_daemon = false;
  std::vector<Prefix> advertise_routes;
  // Ours: what some of the advertised routes are called where they are. Others of it do not count.
  std::vector<RouteMap> route_maps;
  std::vector<std::string> advertise_services;
  std::optional<bool> sync;
  bool no_snat = false;
  std::optional<bool> no_stateful_filtering = true;
  NetfilterMode netfilter_mode = NetfilterMode::On;
  std::string operator_user;
  std::string profile_name;
  bool auto_update_check = true;
  std::optional<bool> auto_update_apply;
  bool app_connector_advertise = false;
  bool posture_checking = false;
  std::string netfilter_kind;
  bool remote_config = false;
  std::optional<std::uint16_t> relay_server_port;
  std::vector<std::string> relay_server_static_endpoints;
  // Ours: "sha256-raw:<64 hex>", the only certificate the coordinator may show; "": ordinary roots.
  std::string server_cert_pin;
  // Ours: RFC 3339, when a node that is down comes up by itself; "": it does not.
  std::string resume_at;
  std::optional<PrefsConfig> config;  // absent before the first login

  // An exit node is offered by advertising both default routes.
  bool advertises_exit_node() const;
  // The network behind an advertised route.
  Prefix real_network(const Prefix& advertised) const;
  friend bool operator==(const Prefs&, const Prefs&) = default;
};

// ExitNodeID is this and the kind of automatic choice, until a node has been chosen.
inline constexpr std::string_view kAutoExitNodePrefix = "auto:";

// What the exit node settings ask for, as one text: "auto:any", a stable id, an address, or empty.
std::string exit_node_choice(const Prefs& prefs);
// Asks for that instead; the inverse.
Prefs with_exit_node_choice(Prefs prefs, std::string_view choice);
// The switch of front-ends: off remembers the choice in InternalExitNodePrior, on takes it back.
// The error says why there is nothing to switch on.
Result<Prefs, std::string> with_exit_node_enabled(const Prefs& prefs, bool enabled);

// An edit: values, and which of them count.
struct MaskedPrefs {
  Prefs values;
  std::vector<std::string> mask;  // JSON field names, "AutoUpdate.Check" for nested ones

  bool sets(std::string_view field) const;
  void set(std::string_view field);  // adds it to the mask once
};

// Tab-indented, or on one line.
std::string to_json(const Prefs& prefs);
std::string to_json_line(const Prefs& prefs);
// Fields whose mask bit is set, each followed by the bit: what a client sends to PATCH prefs.
std::string to_json(const MaskedPrefs& edit);

// The error is a sentence for a person. Unknown fields are ignored; a known field of the wrong type
// is refused. An absent field is false, zero or empty, as its senders mean it: not the default.
Result<Prefs, std::string> parse_prefs(std::string_view json);
Result<MaskedPrefs, std::string> parse_masked_prefs(std::string_view json);

// Why a well-formed edit may not be applied; nullopt: it may.
std::optional<std::string> refusal(const MaskedPrefs& edit);

// The edited prefs. Choosing or clearing an exit node keeps ExitNodeID, ExitNodeIP and AutoExitNode
// consistent, as clients rely on (interfaces 4.3).
Prefs apply(const MaskedPrefs& edit, const Prefs& to);

// Everything that differs, as the edit that turns `from` into `to`.
MaskedPrefs difference(const Prefs& from, const Prefs& to);

}  // namespace aya::local
