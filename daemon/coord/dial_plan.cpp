#include "daemon/coord/dial_plan.h"

#include "proto/netaddr/ip_address.h"

namespace aya::coord {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

}  // namespace

bool is_private_host(std::string_view host) {
  if (host == "localhost") return true;
  const auto address = IpAddress::parse(host);
  return address && (address->is_loopback() || address->is_private());
}

std::vector<DialAttempt> dial_plan(const http::Url& server, const DialOptions& options) {
  const DialAttempt named{server.tls, server.host, server.port, server.tls, Duration{0}};
  if (!options.key_known) {
    // Only what the URL names may tell the key.
    if (options.tls_only && !server.tls) return {};
    return {named};
  }
  DialAttempt plain{false, server.host, server.tls ? kHttpPort : server.port, false, Duration{0}};
  DialAttempt tls{true, server.host, server.tls ? server.port : kHttpsPort, false, Duration{0}};
  if (options.tls_only) return {tls};
  if (!server.tls) {
    // Beside a private http server no TLS is to be expected.
    if (is_private_host(server.host)) return {plain};
    (options.tls_won_last ? plain : tls).after = kHeadStart;
    return options.tls_won_last ? std::vector{tls, plain} : std::vector{plain, tls};
  }
  // The URL's own port comes first: port 80 helps only where something stands in the way of TLS.
  plain.after = kHeadStart;
  return {tls, plain};
}

}  // namespace aya::coord
