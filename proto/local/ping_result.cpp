#include "proto/local/ping_result.h"

#include "proto/local/json_fields.h"

namespace aya::local {

std::string_view to_text(PingType type) {
  switch (type) {
    case PingType::Disco:
      return "disco";
    case PingType::Tsmp:
      return "TSMP";
    case PingType::Icmp:
      return "ICMP";
    case PingType::PeerApi:
      return "peerapi";
  }
  return "";
}

std::string to_json_line(const PingResult& result) {
  Json out = {
      {"IP", result.ip},
      {"NodeIP", result.node_ip},
      {"NodeName", result.node_name},
      {"Err", result.err},
      {"LatencySeconds", result.latency_seconds},
      {"Endpoint", result.endpoint},
      {"PeerRelay", result.peer_relay},
      {"DERPRegionID", result.derp_region_id},
      {"DERPRegionCode", result.derp_region_code},
  };
  // A round number of seconds is still a number without a fraction.
  if (result.latency_seconds == 0) out["LatencySeconds"] = 0;
  if (result.peer_api_port != 0) out["PeerAPIPort"] = result.peer_api_port;
  if (!result.peer_api_url.empty()) out["PeerAPIURL"] = result.peer_api_url;
  if (result.is_local_ip) out["IsLocalIP"] = true;
  return dump_line(out);
}

Result<PingResult, ParseError> parse_ping_result(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  PingResult out;
  in.read("IP", out.ip);
  in.read("NodeIP", out.node_ip);
  in.read("NodeName", out.node_name);
  in.read("Err", out.err);
  in.read("LatencySeconds", out.latency_seconds);
  in.read("Endpoint", out.endpoint);
  in.read("PeerRelay", out.peer_relay);
  in.read("DERPRegionID", out.derp_region_id);
  in.read("DERPRegionCode", out.derp_region_code);
  in.read("PeerAPIPort", out.peer_api_port);
  in.read("PeerAPIURL", out.peer_api_url);
  in.read("IsLocalIP", out.is_local_ip);
  if (in.failed()) return ParseError::BadValue;
  return out;
}

}  // namespace aya::local
