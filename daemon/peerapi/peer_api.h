// PeerAPI is the small HTTP service that nodes offer each other inside the tunnel: it greets, and
// it answers DNS for peers that use this node as their exit (RFC 8484 without TLS, which WireGuard
// makes up for). Peers find it through Hostinfo.Services.
//
//   GET /                     a greeting for a person with a browser
//   GET /dns-query?dns=...    the question in base64url
//   POST /dns-query           the question as the body
//
// The packet filter lets every peer come this far; who may ask what is decided here. Pure:
// peer_api_link.h has the sockets.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "proto/http/message.h"
#include "proto/netaddr/ip_address.h"

namespace aya::peerapi {

// The peer at the other end of the connection.
struct Caller {
  IpAddress address;
  std::string node_name, user_name;
  bool is_own = false;                     // of our own user
  bool may_resolve = false;                // names through us
  std::vector<IpAddress> we_are_known_by;  // to this peer: what it may write into the Host field
};

struct DnsQuestion {
  Buffer query;
};

// The answer, or a question whose answer is answer_to() of what the resolver says.
std::variant<http::Response, DnsQuestion> judge(
    const http::Request& request, const Caller& caller,
    const std::vector<std::string>& filtered_names);

http::Response answer_to(Bytes dns_response);

// Whether an exit node must not answer for a name (DNSConfig.ExitNodeFilteredSet): entries are
// whole names, or with a dot in front what is below one. Final dots and case do not matter.
bool is_filtered(std::string_view name, const std::vector<std::string>& filtered_names);

}  // namespace aya::peerapi
