#include <algorithm>

#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/text.h"
#include "proto/local/netcheck_report.h"

namespace aya::cli {
namespace {

using local::NetcheckReport;

struct Region {
  std::string code, name;
};

// What the relay map calls a region; its number where there is no map.
Region region_of(std::string_view relay_map, RegionId id) {
  const std::string region = field_of(field_of(relay_map, "Regions"), std::to_string(id));
  const auto text = [&region](std::string_view field) {
    std::string value = field_of(region, field);
    return value.size() >= 2 ? printable(value.substr(1, value.size() - 2)) : std::string();
  };
  Region out{text("RegionCode"), text("RegionName")};
  if (out.code.empty()) out.code = std::to_string(id);
  if (out.name.empty()) out.name = out.code;
  return out;
}

std::string yes_no(const std::optional<bool>& value) {
  return !value ? "" : *value ? "true" : "false";
}

std::string port_mapping(const NetcheckReport& report) {
  std::vector<std::string> found;
  if (report.upnp.value_or(false)) found.push_back("UPnP");
  if (report.pmp.value_or(false)) found.push_back("NAT-PMP");
  if (report.pcp.value_or(false)) found.push_back("PCP");
  return join(found, ", ");
}

std::string ipv6_line(const NetcheckReport& report) {
  if (report.ipv6) return "yes, " + report.global_v6;
  if (report.ipv6_can_send) return "(yes, but no answer)";
  return report.os_has_ipv6 ? "no, but OS has support" : "no, unavailable in OS";
}

std::string padded(std::string text, std::size_t to, bool left) {
  const std::size_t missing = to - std::min(to, width(text));
  return left ? text + std::string(missing, ' ') : std::string(missing, ' ') + text;
}

std::string latencies(const NetcheckReport& report, std::string_view relay_map) {
  std::vector<std::pair<Duration, RegionId>> by_latency;
  for (const auto& [region, latency] : report.region_latency) {
    by_latency.emplace_back(latency, region);
  }
  std::ranges::sort(by_latency);
  std::string out;
  for (const auto& [latency, id] : by_latency) {
    const Region region = region_of(relay_map, id);
    out += "\t\t- " + padded(region.code, 3, false) + ": " +
           padded(go_duration_rounded(latency, 100us), 7, true) + " (" + region.name + ")\n";
  }
  return out;
}

std::string verdict(const NetcheckReport& report) {
  if (!report.udp) {
    return report.region_latency.empty()
               ? "No relay answered: the network blocks everything, or there is none."
               : "UDP is blocked here: all traffic will go through relays.";
  }
  if (report.mapping_varies_by_dest_ip.value_or(false) && port_mapping(report).empty()) {
    return "This NAT is a hard one: direct paths need an easier one on the other side.";
  }
  return "Direct paths should be possible from here.";
}

std::string as_text(const NetcheckReport& report, std::string_view relay_map) {
  std::string out = "\nReport:\n";
  const auto line = [&out](std::string_view name, const std::string& value) {
    out += "\t* " + std::string(name) + ": " + printable(value) + "\n";
  };
  std::string time = report.now ? to_rfc3339(*report.now) : "";
  std::ranges::replace(time, 'T', ' ');
  line("Time", time);
  line("UDP", report.udp ? "true" : "false");
  line("IPv4", report.ipv4 ? "yes, " + report.global_v4 : "(no addr found)");
  line("IPv6", ipv6_line(report));
  line("MappingVariesByDestIP", yes_no(report.mapping_varies_by_dest_ip));
  line("PortMapping", port_mapping(report));
  if (report.captive_portal) line("CaptivePortal", yes_no(report.captive_portal));
  if (report.region_latency.empty()) {
    line("Nearest DERP", "unknown (no response to latency probes)");
    return out;
  }
  line("Nearest DERP", region_of(relay_map, report.preferred_derp).name);
  return out + "\t* DERP latency:\n" + latencies(report, relay_map);
}

Outcome report_once(Context& context, std::string_view format) {
  const auto body = context.call("GET", "netcheck");
  if (!body) return body.error();
  const auto report = local::parse_netcheck_report(*body);
  if (!report) return Failure{Exit::Failed, "the daemon's report is not readable"};
  if (!format.empty()) {
    context.out(format == "json" ? local::to_json(*report) : local::to_json_line(*report) + "\n");
    return {};
  }
  // Without a map the regions keep their numbers.
  const std::string relay_map = context.client.get("derpmap").value_or("");
  context.out(as_text(*report, relay_map));
  if (!context.strict) context.out("\n" + verdict(*report) + "\n");
  return {};
}

}  // namespace

Outcome netcheck(Context& context, const Arguments& args) {
  std::string format;
  Duration every{};
  bool verbose = false;
  Flags flags;
  flags.text("format", format, "json or json-line");
  flags.duration("every", every, "report again and again, with this time between");
  flags.boolean("verbose", verbose, "accepted; the daemon's log has the details");
  flags.unsupported({"bind-address", "bind-port"});
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  if (!format.empty() && format != "json" && format != "json-line") {
    return Failure{Exit::BadArgument, "unknown output format " + in_quotes(format)};
  }
  if (!format.empty() && context.strict) {
    context.err("# Warning: this JSON format is not yet considered a stable interface\n");
  }
  while (true) {
    const TimePoint began = context.console.now();
    if (auto done = report_once(context, format); !done) return done;
    if (every <= Duration::zero()) return {};
    context.console.sleep_until(began + every);
  }
}

}  // namespace aya::cli
