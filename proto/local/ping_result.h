// The answer of POST ping (interfaces 4.2). A failed ping is an answer with `err`, not an HTTP
// error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/packet/path_address.h"

namespace aya::local {

enum class PingType { Disco, Tsmp, Icmp, PeerApi };
std::string_view to_text(PingType type);  // "disco", "TSMP", "ICMP", "peerapi"

struct PingResult {
  std::string ip;         // as asked
  std::string node_ip;    // "" unless a peer was found
  std::string node_name;  // first label of its DNS name
  std::string err;        // "" when answered
  double latency_seconds = 0;
  std::string endpoint;  // "addr:port" of a direct answer
  std::string peer_relay;
  RegionId derp_region_id = 0;  // of a relayed answer
  std::string derp_region_code;
  std::uint16_t peer_api_port = 0;  // 0: not printed
  std::string peer_api_url;
  bool is_local_ip = false;
  friend bool operator==(const PingResult&, const PingResult&) = default;
};

std::string to_json_line(const PingResult& result);
Result<PingResult, ParseError> parse_ping_result(std::string_view json);

}  // namespace aya::local
