#include "daemon/netcheck/report.h"

#include <tuple>

namespace aya::netcheck {
namespace {

auto substance(const Report& r) {
  return std::tie(
      r.udp, r.ipv4, r.ipv6, r.os_has_ipv6, r.mapping_varies_by_dest_ip, r.upnp, r.pmp, r.pcp,
      r.captive_portal, r.preferred_relay);
}

}  // namespace

bool differs_in_substance(const Report& a, const Report& b) { return substance(a) != substance(b); }

}  // namespace aya::netcheck
