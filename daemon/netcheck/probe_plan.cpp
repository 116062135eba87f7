#include "daemon/netcheck/probe_plan.h"

#include <algorithm>

#include "daemon/netcheck/net_check.h"

namespace aya::netcheck {
namespace {

std::vector<StunTarget> targets_of(const RelayRegion& region, bool ipv6) {
  std::vector<StunTarget> out;
  for (const RelayNode& node : region.nodes) {
    if (auto target = stun_target(node, ipv6)) out.push_back(std::move(*target));
  }
  return out;
}

// Rotates over the region's nodes. `delay(k)` is when try k is due.
template <class Delay>
void add_set(
    const RelayRegion& region, bool ipv6, unsigned tries, Delay delay, std::vector<ProbeSet>& out) {
  const auto targets = targets_of(region, ipv6);
  if (targets.empty()) return;
  ProbeSet set{region.id, ipv6, {}};
  for (unsigned k = 0; k < tries; ++k) {
    set.tries.push_back({delay(k), targets[k % targets.size()]});
  }
  out.push_back(std::move(set));
}

std::optional<Duration> last_latency(const Report& last, RegionId region) {
  const auto found = last.region_latency.find(region);
  if (found == last.region_latency.end()) return std::nullopt;
  return found->second;
}

// Measurable regions, nearest first, those without a latency last; ties by id.
std::vector<const RelayRegion*> by_latency(const RelayMap& map, const Report& last, RegionId home) {
  std::vector<const RelayRegion*> out;
  for (const RelayRegion& region : map.regions) {
    const bool avoided = region.avoid && region.id != home;
    if (!region.no_measure_no_home && !avoided) out.push_back(&region);
  }
  std::ranges::sort(out, {}, [&](const RelayRegion* region) {
    return std::pair(last_latency(last, region->id).value_or(Duration::max()), region->id);
  });
  return out;
}

}  // namespace

std::optional<StunTarget> stun_target(const RelayNode& node, bool ipv6) {
  if (node.stun_port < 0 || node.stun_port > 65535) return std::nullopt;
  StunTarget target{std::nullopt, node.host, static_cast<std::uint16_t>(node.stun_port)};
  if (target.port == 0) target.port = stun::kDefaultPort;
  std::string literal = node.stun_test_ip;
  if (literal.empty()) literal = ipv6 ? node.ipv6 : node.ipv4;
  // A host that is an address already needs no resolving either.
  if (literal.empty() && IpAddress::parse(node.host)) literal = node.host;
  if (literal.empty()) return target;
  target.address = IpAddress::parse(literal);
  if (!target.address || target.address->is_v6() != ipv6) return std::nullopt;
  return target;
}

std::vector<ProbeSet> plan_full(const RelayMap& map, const HostNetwork& host) {
  std::vector<ProbeSet> out;
  const auto delay = [](unsigned k) { return k * kFullRetry; };
  for (const RelayRegion& region : map.regions) {
    if (region.no_measure_no_home) continue;
    if (host.has_ipv4) add_set(region, false, kFullTries, delay, out);
    if (host.has_ipv6) add_set(region, true, kFullTries, delay, out);
  }
  return out;
}

std::vector<ProbeSet> plan_incremental(
    const RelayMap& map, const HostNetwork& host, const Report& last, RegionId home) {
  std::vector<ProbeSet> out;
  const bool had_v6 = !last.region_v6_latency.empty();
  const bool had_both = had_v6 && !last.region_v4_latency.empty();
  const auto regions = by_latency(map, last, home);
  for (unsigned i = 0; i < regions.size(); ++i) {
    const RelayRegion& region = *regions[i];
    const bool is_home = region.id == home;
    if (i >= kIncrementalRegions && !is_home) continue;
    const bool fastest_two = i < 2;
    bool v4 = host.has_ipv4, v6 = host.has_ipv6;
    if (!is_home && !fastest_two) {
      // A dual-stack host learns enough from one family per slower region.
      if (had_both) (i % 2 == 0 ? v6 : v4) = false;
      if (!had_v6) v6 = false;
    }
    const unsigned tries = is_home ? 4 : fastest_two ? 2 : 1;
    const auto known = last_latency(last, region.id);
    const Duration step = known ? *known * 6 / 5 : kRetryWhenUnknown;
    const auto delay = [&](unsigned k) { return k * step + (k > 1 ? k * 50ms : 0ms); };
    if (v4) add_set(region, false, tries, delay, out);
    if (v6) add_set(region, true, had_v6 ? tries : 1, delay, out);
  }
  return out;
}

}  // namespace aya::netcheck
