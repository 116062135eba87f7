#include "proto/local/status.h"

#include <algorithm>
#include <array>

#include "proto/local/location_fields.h"

namespace aya::local {

Json to_json_value(const Location& at) {
  Json object = Json::object();
  if (!at.country.empty()) object["Country"] = at.country;
  if (!at.country_code.empty()) object["CountryCode"] = at.country_code;
  if (!at.city.empty()) object["City"] = at.city;
  if (!at.city_code.empty()) object["CityCode"] = at.city_code;
  if (at.latitude != 0) object["Latitude"] = at.latitude;
  if (at.longitude != 0) object["Longitude"] = at.longitude;
  if (at.priority != 0) object["Priority"] = at.priority;
  return object;
}

void read_location(Fields& in, std::optional<Location>& out) {
  const Json* value = in.find("Location");
  if (value == nullptr) return;
  Fields fields(*value);
  Location at;
  fields.read("Country", at.country);
  fields.read("CountryCode", at.country_code);
  fields.read("City", at.city);
  fields.read("CityCode", at.city_code);
  fields.read("Latitude", at.latitude);
  fields.read("Longitude", at.longitude);
  fields.read("Priority", at.priority);
  if (fields.failed()) return in.fail("Location", "an object");
  out = std::move(at);
}

namespace {

constexpr std::array<std::string_view, 7> kStateNames = {
    "NoState", "InUseOtherUser", "NeedsLogin", "NeedsMachineAuth", "Stopped", "Starting", "Running",
};

// In the order and with the omissions of deployed daemons: some empty lists print as null, others
// not at all.
Json to_json_value(const PeerStatus& peer) {
  Json out = {
      {"ID", peer.id},
      {"NodeID", peer.node_id},
      {"PublicKey", peer.public_key.to_text()},
      {"HostName", peer.host_name},
      {"DNSName", peer.dns_name},
      {"OS", peer.os},
      {"UserID", peer.user_id},
  };
  if (peer.alt_sharer_user_id != 0) out["AltSharerUserID"] = peer.alt_sharer_user_id;
  out["TailscaleIPs"] = list_or_null(peer.tailscale_ips);
  if (!peer.allowed_ips.empty()) out["AllowedIPs"] = list_or_null(peer.allowed_ips);
  if (!peer.tags.empty()) out["Tags"] = peer.tags;
  if (!peer.primary_routes.empty()) out["PrimaryRoutes"] = list_or_null(peer.primary_routes);
  out["Addrs"] = peer.addrs_known ? Json(peer.addrs) : list_or_null(peer.addrs);
  out["CurAddr"] = peer.cur_addr;
  out["Relay"] = peer.relay;
  out["PeerRelay"] = peer.peer_relay;
  out["RxBytes"] = peer.rx_bytes;
  out["TxBytes"] = peer.tx_bytes;
  out["Created"] = time_text(peer.created);
  out["LastWrite"] = time_text(peer.last_write);
  out["LastSeen"] = time_text(peer.last_seen);
  out["LastHandshake"] = time_text(peer.last_handshake);
  out["Online"] = peer.online;
  out["ExitNode"] = peer.exit_node;
  out["ExitNodeOption"] = peer.exit_node_option;
  out["Active"] = peer.active;
  out["PeerAPIURL"] = list_or_null(peer.peer_api_urls);
  out["TaildropTarget"] = peer.taildrop_target;
  out["NoFileSharingReason"] = peer.no_file_sharing_reason;
  if (!peer.capabilities.empty()) out["Capabilities"] = peer.capabilities;
  if (!peer.cap_map.empty()) out["CapMap"] = local::to_json_value(peer.cap_map);
  if (!peer.ssh_host_keys.empty()) out["sshHostKeys"] = peer.ssh_host_keys;
  if (peer.sharee_node) out["ShareeNode"] = true;
  out["InNetworkMap"] = peer.in_network_map;
  out["InMagicSock"] = peer.in_magic_sock;
  out["InEngine"] = peer.in_engine;
  if (peer.expired) out["Expired"] = true;
  if (peer.key_expiry) out["KeyExpiry"] = time_text(peer.key_expiry);
  if (peer.location) out["Location"] = to_json_value(*peer.location);
  return out;
}

Json records_or_null(const std::vector<DnsRecord>& records) {
  if (records.empty()) return nullptr;
  Json list = Json::array();
  for (const DnsRecord& record : records) {
    Json entry = {{"Name", record.name}};
    if (!record.type.empty()) entry["Type"] = record.type;
    entry["Value"] = record.value;
    list.push_back(std::move(entry));
  }
  return list;
}

Json peers_or_null(const std::vector<PeerStatus>& peers) {
  if (peers.empty()) return nullptr;
  Json object = Json::object();
  for (const PeerStatus& peer : peers) object[peer.public_key.to_text()] = to_json_value(peer);
  return object;
}

Json users_or_null(const std::map<std::int64_t, UserProfile>& users) {
  if (users.empty()) return nullptr;
  Json object = Json::object();
  for (const auto& [id, user] : users) object[std::to_string(id)] = local::to_json_value(user);
  return object;
}

Json to_json_value(const HostRouting& routing) {
  Json kept = Json::array();
  for (const auto& one : routing.kept_local) {
    kept.push_back(
        {{"Prefix", one.prefix.to_text()}, {"Interface", one.interface}, {"Why", one.why}});
  }
  Json conflicts = Json::array();
  for (const auto& one : routing.conflicts) {
    conflicts.push_back({{"Prefix", one.prefix.to_text()}, {"With", one.with}, {"Text", one.text}});
  }
  return {
      {"ExitNode", routing.exit_node},
      {"KeptLocal", std::move(kept)},
      {"Unreachable", list_or_null(routing.unreachable)},
      {"Conflicts", std::move(conflicts)}};
}

void read_routing(Fields& in, Status& out) {
  const Json* value = in.find("HostRouting");
  if (value == nullptr) return;
  Fields fields(*value);
  HostRouting routing;
  fields.read("ExitNode", routing.exit_node);
  fields.read("Unreachable", routing.unreachable);
  const auto read_prefix = [](Fields& one, Prefix& out_prefix) {
    std::string text;
    one.read("Prefix", text);
    if (const auto prefix = Prefix::parse(text)) {
      out_prefix = *prefix;
    } else {
      one.fail("Prefix", "a prefix");
    }
  };
  const auto each = [&](const char* name, auto&& read) {
    const Json* list = fields.find(name);
    if (list == nullptr) return;
    if (!list->is_array()) return fields.fail(name, "a list");
    for (const Json& entry : *list) {
      Fields one(entry);
      read(one);
      if (one.failed()) return fields.fail(name, "a list of objects");
    }
  };
  each("KeptLocal", [&](Fields& one) {
    auto& kept = routing.kept_local.emplace_back();
    read_prefix(one, kept.prefix);
    one.read("Interface", kept.interface);
    one.read("Why", kept.why);
  });
  each("Conflicts", [&](Fields& one) {
    auto& conflict = routing.conflicts.emplace_back();
    read_prefix(one, conflict.prefix);
    one.read("With", conflict.with);
    one.read("Text", conflict.text);
  });
  if (fields.failed()) return in.fail("HostRouting", "an object");
  out.routing = std::move(routing);
}

void read_peer(Fields& in, PeerStatus& peer) {
  in.read("ID", peer.id);
  in.read("NodeID", peer.node_id);
  in.read("PublicKey", peer.public_key);
  in.read("HostName", peer.host_name);
  in.read("DNSName", peer.dns_name);
  in.read("OS", peer.os);
  in.read("UserID", peer.user_id);
  in.read("AltSharerUserID", peer.alt_sharer_user_id);
  in.read("TailscaleIPs", peer.tailscale_ips);
  in.read("AllowedIPs", peer.allowed_ips);
  in.read("Tags", peer.tags);
  in.read("PrimaryRoutes", peer.primary_routes);
  peer.addrs_known = in.find("Addrs") != nullptr;
  in.read("Addrs", peer.addrs);
  in.read("CurAddr", peer.cur_addr);
  in.read("Relay", peer.relay);
  in.read("PeerRelay", peer.peer_relay);
  in.read("RxBytes", peer.rx_bytes);
  in.read("TxBytes", peer.tx_bytes);
  in.read("Created", peer.created);
  in.read("LastWrite", peer.last_write);
  in.read("LastSeen", peer.last_seen);
  in.read("LastHandshake", peer.last_handshake);
  in.read("Online", peer.online);
  in.read("ExitNode", peer.exit_node);
  in.read("ExitNodeOption", peer.exit_node_option);
  in.read("Active", peer.active);
  in.read("PeerAPIURL", peer.peer_api_urls);
  in.read("TaildropTarget", peer.taildrop_target);
  in.read("NoFileSharingReason", peer.no_file_sharing_reason);
  in.read("Capabilities", peer.capabilities);
  in.read("CapMap", peer.cap_map);
  in.read("sshHostKeys", peer.ssh_host_keys);
  in.read("ShareeNode", peer.sharee_node);
  in.read("InNetworkMap", peer.in_network_map);
  in.read("InMagicSock", peer.in_magic_sock);
  in.read("InEngine", peer.in_engine);
  in.read("Expired", peer.expired);
  in.read("KeyExpiry", peer.key_expiry);
  read_location(in, peer.location);
}

void read_exit_node(Fields& in, Status& out) {
  const Json* value = in.find("ExitNodeStatus");
  if (value == nullptr) return;
  Fields exit(*value);
  ExitNodeStatus node;
  exit.read("ID", node.id);
  exit.read("Online", node.online);
  exit.read("TailscaleIPs", node.tailscale_ips);
  if (exit.failed()) return in.fail("ExitNodeStatus", "an object");
  out.exit_node = std::move(node);
}

void read_tailnet(Fields& in, Status& out) {
  const Json* value = in.find("CurrentTailnet");
  if (value == nullptr) return;
  Fields net(*value);
  Tailnet tailnet;
  net.read("Name", tailnet.name);
  net.read("MagicDNSSuffix", tailnet.magic_dns_suffix);
  net.read("MagicDNSEnabled", tailnet.magic_dns_enabled);
  if (net.failed()) return in.fail("CurrentTailnet", "an object");
  out.current_tailnet = std::move(tailnet);
}

void read_records(Fields& in, Status& out) {
  const Json* value = in.find("ExtraRecords");
  if (value == nullptr) return;
  if (!value->is_array()) return in.fail("ExtraRecords", "a list");
  for (const Json& item : *value) {
    Fields record(item);
    DnsRecord& read = out.extra_records.emplace_back();
    record.read("Name", read.name);
    record.read("Type", read.type);
    record.read("Value", read.value);
    if (record.failed()) return in.fail("ExtraRecords", "a list of records");
  }
}

void read_peers(Fields& in, Status& out) {
  const Json* value = in.find("Peer");
  if (value == nullptr) return;
  if (!value->is_object()) return in.fail("Peer", "an object");
  for (const Json& item : *value) {
    Fields peer(item);
    read_peer(peer, out.peers.emplace_back());
    if (peer.failed()) return in.fail("Peer", "peers (" + peer.error() + ")");
  }
}

void read_users(Fields& in, Status& out) {
  const Json* value = in.find("User");
  if (value == nullptr) return;
  if (!value->is_object()) return in.fail("User", "an object");
  Fields users(*value);
  for (const auto& entry : value->items()) {
    UserProfile user;
    users.read(entry.key().c_str(), user);
    if (users.failed()) return in.fail("User", "user profiles");
    out.users.emplace(user.id, std::move(user));
  }
}

}  // namespace

Json to_json_value(const Status& status) {
  Json out = {
      {"Version", status.version},
      {"TUN", status.tun},
      {"BackendState", to_text(status.backend_state)},
  };
  // Deployed daemons leave the field out before there is a key.
  if (status.have_node_key) out["HaveNodeKey"] = true;
  out["AuthURL"] = status.auth_url;
  out["TailscaleIPs"] = list_or_null(status.tailscale_ips);
  out["Self"] = to_json_value(status.self);
  if (status.exit_node) {
    out["ExitNodeStatus"] = {
        {"ID", status.exit_node->id},
        {"Online", status.exit_node->online},
        {"TailscaleIPs", list_or_null(status.exit_node->tailscale_ips)}};
  }
  out["Health"] = list_or_null(status.health);
  out["MagicDNSSuffix"] = status.magic_dns_suffix;
  out["CurrentTailnet"] = nullptr;
  if (status.current_tailnet) {
    out["CurrentTailnet"] = {
        {"Name", status.current_tailnet->name},
        {"MagicDNSSuffix", status.current_tailnet->magic_dns_suffix},
        {"MagicDNSEnabled", status.current_tailnet->magic_dns_enabled}};
  }
  out["CertDomains"] = list_or_null(status.cert_domains);
  out["ExtraRecords"] = records_or_null(status.extra_records);
  out["Peer"] = peers_or_null(status.peers);
  out["User"] = users_or_null(status.users);
  out["ClientVersion"] = nullptr;
  if (status.routing) out["HostRouting"] = to_json_value(*status.routing);
  return out;
}

std::string_view to_text(BackendState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::optional<BackendState> parse_backend_state(std::string_view text) {
  const auto found = std::ranges::find(kStateNames, text);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<BackendState>(found - kStateNames.begin());
}

std::string PeerStatus::display_name() const {
  const std::string label = dns_name.substr(0, dns_name.find('.'));
  return label.empty() ? host_name : label;
}

std::string to_json(const Status& status) { return dump_indented(to_json_value(status)); }
std::string to_json_line(const Status& status) { return dump_line(to_json_value(status)); }

std::string lock_status_json(const NodePublicKey& self) {
  Json out = {
      {"Enabled", false},
      {"Head", nullptr},
      {"PublicKey", "nlpub:" + std::string(64, '0')},
      {"NodeKey", self.is_zero() ? Json(nullptr) : Json(self.to_text())}};
  out["NodeKeySigned"] = false;
  for (const char* name : {"NodeKeySignature", "TrustedKeys", "VisiblePeers", "FilteredPeers"}) {
    out[name] = nullptr;
  }
  out["StateID"] = 0;
  std::string text = dump_indented(out);
  text.pop_back();
  return text;
}

Result<Status, ParseError> parse_status(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  Status out;
  std::string state;
  in.read("Version", out.version);
  in.read("TUN", out.tun);
  in.read("BackendState", state);
  in.read("HaveNodeKey", out.have_node_key);
  in.read("AuthURL", out.auth_url);
  in.read("TailscaleIPs", out.tailscale_ips);
  if (const Json* self = in.find("Self")) {
    Fields peer(*self);
    read_peer(peer, out.self);
    if (peer.failed()) in.fail("Self", "an object");
  }
  read_exit_node(in, out);
  in.read("Health", out.health);
  in.read("MagicDNSSuffix", out.magic_dns_suffix);
  read_tailnet(in, out);
  in.read("CertDomains", out.cert_domains);
  read_records(in, out);
  read_peers(in, out);
  read_users(in, out);
  read_routing(in, out);
  if (in.failed()) return ParseError::BadValue;
  out.backend_state = parse_backend_state(state).value_or(BackendState::NoState);
  return out;
}

}  // namespace aya::local
