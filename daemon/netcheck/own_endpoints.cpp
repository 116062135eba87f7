#include "daemon/netcheck/own_endpoints.h"

#include <algorithm>

namespace aya::netcheck {
namespace {

constexpr unsigned kMaxPerV6Prefix = 2;
constexpr unsigned kServersThatAgree = 2;

bool in_overlay(const IpAddress& address) {
  static const Prefix kOverlay[] = {
      *Prefix::parse("100.64.0.0/10"), *Prefix::parse("fd7a:115c:a1e0::/48")};
  return std::ranges::any_of(kOverlay, [&](const Prefix& p) { return p.contains(address); });
}

bool is_unique_local(const IpAddress& address) { return address.is_v6() && address.is_private(); }

// Interface addresses fit to be told to others: good ones if there are any, else the poor ones
// (link-local IPv4 and ULA), else loopback, which serves peers on the same host.
std::vector<IpAddress> usable_addresses(const std::vector<InterfaceAddress>& interfaces) {
  std::vector<IpAddress> good, poor, loopback;
  std::vector<std::pair<Prefix, unsigned>> per_prefix;
  for (const InterfaceAddress& entry : interfaces) {
    const IpAddress& address = entry.prefix.address;
    if (!entry.up || entry.problematic || in_overlay(address)) continue;
    if (address.is_multicast() || address.is_unspecified()) continue;
    if (entry.loopback || address.is_loopback()) {
      loopback.push_back(address);
      continue;
    }
    if (address.is_v6()) {
      if (address.is_link_local_unicast()) continue;
      // Temporary addresses pile up; two per network are plenty.
      const Prefix network = entry.prefix.masked();
      auto found = std::ranges::find(per_prefix, network, &std::pair<Prefix, unsigned>::first);
      if (found == per_prefix.end()) found = per_prefix.insert(per_prefix.end(), {network, 0});
      if (++found->second > kMaxPerV6Prefix) continue;
    }
    const bool is_poor = address.is_link_local_unicast() || is_unique_local(address);
    (is_poor ? poor : good).push_back(address);
  }
  if (!good.empty()) return good;
  return poor.empty() ? loopback : poor;
}

class ListBuilder {
 public:
  void add(const Endpoint& at, EndpointType type) {
    if (at.port == 0) return;
    if (std::ranges::find(list_, at, &OwnEndpoint::at) == list_.end()) list_.push_back({at, type});
  }
  std::vector<OwnEndpoint> take() && { return std::move(list_); }
  const std::vector<OwnEndpoint>& so_far() const { return list_; }

 private:
  std::vector<OwnEndpoint> list_;
};

void add_public(const Report& report, ListBuilder& out) {
  if (report.global_v4) out.add(*report.global_v4, EndpointType::Stun);
  if (report.global_v6) out.add(*report.global_v6, EndpointType::Stun);
  for (const auto* seen : {&report.global_v4_seen, &report.global_v6_seen}) {
    for (const auto& [at, servers] : *seen) {
      if (servers >= kServersThatAgree) out.add(at, EndpointType::Stun);
    }
  }
}

void add_local(const EndpointSources& sources, ListBuilder& out) {
  const auto port_for = [&](const IpAddress& address) {
    return address.is_v4() ? sources.port_v4 : sources.port_v6;
  };
  if (sources.bound_to) {
    return out.add({*sources.bound_to, port_for(*sources.bound_to)}, EndpointType::Local);
  }
  for (const IpAddress& address : usable_addresses(sources.interfaces)) {
    out.add({address, port_for(address)}, EndpointType::Local);
  }
}

}  // namespace

std::vector<OwnEndpoint> OwnEndpoints::list(
    const EndpointSources& sources, const Report& report, TimePoint now) {
  ListBuilder out;
  if (sources.port_mapping) out.add(*sources.port_mapping, EndpointType::PortMapped);
  add_public(report, out);
  remember(out.so_far(), now);
  // Behind a NAT that varies its ports an operator may have forwarded the fixed one.
  if (report.mapping_varies_by_dest_ip == true && sources.port_is_fixed && report.global_v4) {
    out.add({report.global_v4->address, sources.port_v4}, EndpointType::StunLocalPort);
  }
  for (const Seen& past : seen_) out.add(past.endpoint.at, past.endpoint.type);
  for (const Endpoint& at : sources.configured) out.add(at, EndpointType::Explicit);
  add_local(sources, out);
  return std::move(out).take();
}

void OwnEndpoints::remember(const std::vector<OwnEndpoint>& fresh, TimePoint now) {
  std::erase_if(seen_, [&](const Seen& past) {
    return now - past.last > kRememberFor ||
           std::ranges::find(fresh, past.endpoint.at, &OwnEndpoint::at) != fresh.end();
  });
  // Newest first, so that what is over the limit of its address is the oldest.
  for (const OwnEndpoint& endpoint : fresh) seen_.insert(seen_.begin(), {endpoint, now});
  std::map<IpAddress, std::size_t> per_address;
  std::erase_if(seen_, [&](const Seen& past) {
    return ++per_address[past.endpoint.at.address] > kMaxPerAddress;
  });
}

void OwnEndpoints::forget() { seen_.clear(); }

bool same_set(std::vector<OwnEndpoint> a, std::vector<OwnEndpoint> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

}  // namespace aya::netcheck
