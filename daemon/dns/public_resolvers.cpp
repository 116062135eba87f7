#include "daemon/dns/public_resolvers.h"

#include <algorithm>
#include <array>

namespace aya::dns {
namespace {

struct PublicResolver {
  std::string_view host;
  std::array<std::string_view, 4> addresses;
};

// clang-format off
constexpr PublicResolver kResolvers[] = {
    {"cloudflare-dns.com", {"1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"}},
    {"one.one.one.one", {"1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"}},
    {"security.cloudflare-dns.com", {"1.1.1.2", "1.0.0.2", "2606:4700:4700::1112", "2606:4700:4700::1002"}},
    {"family.cloudflare-dns.com", {"1.1.1.3", "1.0.0.3", "2606:4700:4700::1113", "2606:4700:4700::1003"}},
    {"dns.google", {"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"}},
    {"dns.quad9.net", {"9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"}},
    {"dns10.quad9.net", {"9.9.9.10", "149.112.112.10", "2620:fe::10", "2620:fe::fe:10"}},
    {"dns11.quad9.net", {"9.9.9.11", "149.112.112.11", "2620:fe::11", "2620:fe::fe:11"}},
    {"dns.adguard-dns.com", {"94.140.14.14", "94.140.15.15", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff"}},
};
// clang-format on

}  // namespace

std::vector<IpAddress> public_resolver_addresses(std::string_view host) {
  const auto known = std::ranges::find(kResolvers, host, &PublicResolver::host);
  std::vector<IpAddress> out;
  if (known == std::end(kResolvers)) return out;
  for (const std::string_view text : known->addresses) {
    if (const auto address = IpAddress::parse(text)) out.push_back(*address);
  }
  return out;
}

}  // namespace aya::dns
