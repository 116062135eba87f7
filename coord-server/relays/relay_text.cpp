#include "coord-server/relays/relay_text.h"

#include <algorithm>
#include <cctype>

#include "proto/control/json_text.h"
#include "proto/netaddr/ip_address.h"

namespace aya::relays {
namespace {

using control::DerpNode;
using control::DerpRegion;
using Checked = Result<void, std::string>;

constexpr std::size_t kLongestText = 255;
constexpr int kLastPort = 65535;

bool is_host(const std::string& text) {
  if (IpAddress::parse(text)) return true;
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
}

bool is_printable(const std::string& text) {
  return text.size() <= kLongestText &&
         std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

bool is_address(const std::string& text, bool v4) {
  if (text.empty() || text == "none") return true;
  const auto address = IpAddress::parse(text);
  return address && address->is_v4() == v4;
}

Checked check_node(const DerpNode& node) {
  const std::string name = "node " + node.name + ": ";
  if (!is_printable(node.name) || !is_printable(node.cert_name)) {
    return name + "names are at most 255 characters, none of them a control character";
  }
  if (!is_host(node.host_name)) return name + "HostName: want a DNS name or an address";
  if (!is_address(node.ipv4, true)) return name + "IPv4: want an address, \"none\" or nothing";
  if (!is_address(node.ipv6, false)) return name + "IPv6: want an address, \"none\" or nothing";
  if (!is_address(node.stun_test_ip, true) && !is_address(node.stun_test_ip, false)) {
    return name + "STUNTestIP: want an address";
  }
  if (node.derp_port < 0 || node.derp_port > kLastPort) return name + "DERPPort: want 1 to 65535";
  if (node.stun_port < -1 || node.stun_port > kLastPort) {
    return name + "STUNPort: want 1 to 65535, or -1 for none";
  }
  return {};
}

// "900a", "900b", …, as far as others are not called so.
std::string free_name(RegionId id, const DerpRegion& region) {
  for (std::size_t number = 0;; ++number) {
    std::string name = std::to_string(id);
    name += number < 26 ? std::string(1, static_cast<char>('a' + number)) : std::to_string(number);
    if (std::ranges::count(region.nodes, name, &DerpNode::name) == 0) return name;
  }
}

// Clients find nodes by name, whatever region they are in.
Checked check_names(const Regions& regions) {
  std::set<std::string> names;
  for (const auto& [id, region] : regions) {
    for (const DerpNode& node : region.nodes) {
      if (!names.insert(node.name).second) return "two nodes are called " + node.name;
    }
  }
  return {};
}

std::string in_region(RegionId id, const std::string& what) {
  return "region " + std::to_string(id) + ": " + what;
}

}  // namespace

Result<void, std::string> check_region(RegionId id, DerpRegion& region) {
  if (id == 0) return in_region(id, "numbers go from 1 to 65535");
  if (region.region_id != 0 && region.region_id != id) {
    return in_region(id, "RegionID says " + std::to_string(region.region_id));
  }
  region.region_id = id;
  if (region.region_code.empty()) region.region_code = std::to_string(id);
  if (region.region_name.empty()) region.region_name = region.region_code;
  if (!is_printable(region.region_code) || !is_printable(region.region_name)) {
    return in_region(id, "names are at most 255 characters, none of them a control character");
  }
  if (region.nodes.empty()) return in_region(id, "Nodes: want at least one");
  if (region.nodes.size() > kMostNodes) return in_region(id, "more than 50 nodes");
  for (DerpNode& node : region.nodes) {
    if (node.name.empty()) node.name = free_name(id, region);
    if (node.region_id != 0 && node.region_id != id) {
      return in_region(id, "node " + node.name + " is of another region");
    }
    node.region_id = id;
    if (auto checked = check_node(node); !checked) return in_region(id, checked.error());
  }
  return check_names({{id, region}});
}

Result<DerpRegion, std::string> read_region(RegionId id, std::string_view json) {
  auto region = control::decode<DerpRegion>(json);
  if (!region) return in_region(id, "not a region of a DERP map");
  if (auto checked = check_region(id, *region); !checked) return checked.error();
  return std::move(*region);
}

Result<Overlay, std::string> read_map(std::string_view json) {
  auto map = control::decode<control::DerpMap>(json);
  if (!map) return std::string("not a DERP map");
  Overlay out;
  out.omit_default_regions = map->omit_default_regions;
  if (map->regions) out.regions = std::move(*map->regions);
  if (out.regions.size() > kMostRegions) return std::string("more than 500 regions");
  for (auto& [id, region] : out.regions) {
    if (auto checked = check_region(id, region); !checked) return checked.error();
  }
  if (auto checked = check_names(out.regions); !checked) return checked.error();
  if (map->home_params && map->home_params->region_score) {
    out.score = std::move(*map->home_params->region_score);
  }
  for (const auto& [id, score] : out.score) {
    if (!is_score(score)) return in_region(id, "RegionScore: want a number above 0");
  }
  return out;
}

bool is_score(double score) { return score > 0 && score <= 1e6; }

bool has_relay(const DerpRegion& region) {
  return std::ranges::any_of(region.nodes, [](const DerpNode& node) { return !node.stun_only; });
}

bool has_relay(const Regions& regions) {
  return std::ranges::any_of(regions, [](const auto& each) { return has_relay(each.second); });
}

}  // namespace aya::relays
