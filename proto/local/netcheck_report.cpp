#include "proto/local/netcheck_report.h"

#include "proto/base/parse_number.h"
#include "proto/local/json_fields.h"

namespace aya::local {
namespace {

using Latencies = std::map<RegionId, Duration>;

Json latencies_value(const Latencies& latencies) {
  Json out = Json::object();
  for (const auto& [region, latency] : latencies) {
    out[std::to_string(region)] = latency.count();
  }
  return out;
}

Json to_json_value(const NetcheckReport& report) {
  return {
      {"Now", time_text(report.now)},
      {"UDP", report.udp},
      {"IPv6", report.ipv6},
      {"IPv4", report.ipv4},
      {"IPv6CanSend", report.ipv6_can_send},
      {"IPv4CanSend", report.ipv4_can_send},
      {"OSHasIPv6", report.os_has_ipv6},
      {"ICMPv4", false},
      {"MappingVariesByDestIP", tri_state(report.mapping_varies_by_dest_ip)},
      {"UPnP", tri_state(report.upnp)},
      {"PMP", tri_state(report.pmp)},
      {"PCP", tri_state(report.pcp)},
      {"PreferredDERP", report.preferred_derp},
      {"RegionLatency", latencies_value(report.region_latency)},
      {"RegionV4Latency", latencies_value(report.region_v4_latency)},
      {"RegionV6Latency", latencies_value(report.region_v6_latency)},
      {"GlobalV4", report.global_v4},
      {"GlobalV6", report.global_v6},
      {"CaptivePortal", tri_state(report.captive_portal)},
  };
}

void read_latencies(Fields& in, const char* name, Latencies& out) {
  const Json* value = in.find(name);
  if (value == nullptr) return;
  if (!value->is_object()) return in.fail(name, "an object");
  Fields latencies(*value);
  for (const auto& entry : value->items()) {
    const std::string& key = entry.key();
    const auto region = parse_number<RegionId>(key);
    std::int64_t nanoseconds = 0;
    latencies.read(key.c_str(), nanoseconds);
    if (!region || latencies.failed()) {
      return in.fail(name, "nanoseconds by region");
    }
    out[*region] = Duration(nanoseconds);
  }
}

}  // namespace

std::string to_json(const NetcheckReport& report) { return dump_indented(to_json_value(report)); }
std::string to_json_line(const NetcheckReport& report) { return dump_line(to_json_value(report)); }

Result<NetcheckReport, ParseError> parse_netcheck_report(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  NetcheckReport out;
  in.read("Now", out.now);
  in.read("UDP", out.udp);
  in.read("IPv6", out.ipv6);
  in.read("IPv4", out.ipv4);
  in.read("IPv6CanSend", out.ipv6_can_send);
  in.read("IPv4CanSend", out.ipv4_can_send);
  in.read("OSHasIPv6", out.os_has_ipv6);
  in.read("MappingVariesByDestIP", out.mapping_varies_by_dest_ip);
  in.read("UPnP", out.upnp);
  in.read("PMP", out.pmp);
  in.read("PCP", out.pcp);
  in.read("PreferredDERP", out.preferred_derp);
  read_latencies(in, "RegionLatency", out.region_latency);
  read_latencies(in, "RegionV4Latency", out.region_v4_latency);
  read_latencies(in, "RegionV6Latency", out.region_v6_latency);
  in.read("GlobalV4", out.global_v4);
  in.read("GlobalV6", out.global_v6);
  in.read("CaptivePortal", out.captive_portal);
  if (in.failed()) return ParseError::BadValue;
  return out;
}

}  // namespace aya::local
