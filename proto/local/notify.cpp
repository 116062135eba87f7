#include "proto/local/notify.h"

#include "proto/local/prefs_fields.h"

namespace aya::local {

Json to_json_value(const Status& status);  // status.cpp

namespace {

std::string_view to_text(PeerSessionState state) {
  switch (state) {
    case PeerSessionState::None:
      return "none";
    case PeerSessionState::Handshake:
      return "handshake";
    case PeerSessionState::Established:
      return "established";
    case PeerSessionState::Expired:
      return "expired";
  }
  return "";
}

Json engine_value(const EngineUpdate& engine) {
  Json peers = Json::object();
  for (const EngineUpdate::LivePeer& peer : engine.live_peers) {
    const std::string key = peer.key.to_text();
    peers[key] = {
        {"NodeKey", key},
        {"TxBytes", peer.tx_bytes},
        {"RxBytes", peer.rx_bytes},
        {"LastHandshake", time_text(peer.last_handshake)}};
  }
  return {
      {"RBytes", engine.rx_bytes},
      {"WBytes", engine.tx_bytes},
      {"NumLive", engine.live_peers.size()},
      {"LiveDERPs", engine.live_relays},
      {"LivePeers", std::move(peers)}};
}

Json health_value(const std::vector<HealthWarning>& warnings) {
  Json map = Json::object();
  for (const HealthWarning& warning : warnings) {
    Json entry = {
        {"WarnableCode", warning.code},
        {"Severity", warning.severity},
        {"Title", warning.title},
        {"Text", warning.text}};
    if (warning.broken_since) entry["BrokenSince"] = time_text(warning.broken_since);
    if (warning.impacts_connectivity) entry["ImpactsConnectivity"] = true;
    map[warning.code] = std::move(entry);
  }
  return {{"Warnings", warnings.empty() ? Json(nullptr) : std::move(map)}};
}

Json peer_state_value(const std::vector<PeerSession>& sessions) {
  Json map = Json::object();
  for (const PeerSession& session : sessions) {
    Json entry = {{"PeerWireGuardState", to_text(session.state)}};
    if (session.since) entry["PeerWireGuardStateAt"] = time_text(session.since);
    map[session.stable_id] = std::move(entry);
  }
  return map;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

// Some unset fields print as null and others not at all: clients know both from deployed daemons.
std::string to_json_line(const Notify& notify) {
  Json out = {{"Version", notify.version}};
  if (!notify.session_id.empty()) out["SessionID"] = notify.session_id;
  out["ErrMessage"] = or_null(notify.err_message);
  out["LoginFinished"] = notify.login_finished ? Json::object() : Json(nullptr);
  out["State"] = notify.state ? Json(static_cast<int>(*notify.state)) : Json(nullptr);
  out["Prefs"] = notify.prefs ? to_json_value(*notify.prefs) : Json(nullptr);
  if (!notify.self_change.empty()) out["SelfChange"] = to_json_value(notify.self_change);
  if (notify.initial_status) out["InitialStatus"] = to_json_value(*notify.initial_status);
  out["NetMap"] = to_json_value(notify.net_map);
  if (!notify.peers_changed.empty()) out["PeersChanged"] = to_json_value(notify.peers_changed);
  if (!notify.peers_removed.empty()) out["PeersRemoved"] = notify.peers_removed;
  if (!notify.peer_states.empty()) out["PeerState"] = peer_state_value(notify.peer_states);
  out["Engine"] = notify.engine ? engine_value(*notify.engine) : Json(nullptr);
  out["BrowseToURL"] = or_null(notify.browse_to_url);
  out["DriveShares"] = nullptr;
  if (notify.health) out["Health"] = health_value(*notify.health);
  if (notify.sys_policy) out["Policy"] = {{"Settings", nullptr}};
  return dump_line(out);
}

Result<NotifySummary, ParseError> parse_notify(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  NotifySummary out;
  in.read("ErrMessage", out.err_message);
  in.read("BrowseToURL", out.browse_to_url);
  if (in.find("State") != nullptr) {
    int state = 0;
    in.read("State", state);
    if (state < 0 || state > static_cast<int>(BackendState::Running)) return ParseError::BadValue;
    out.state = static_cast<BackendState>(state);
  }
  out.login_finished = in.find("LoginFinished") != nullptr;
  if (in.failed()) return ParseError::BadValue;
  return out;
}

}  // namespace aya::local
