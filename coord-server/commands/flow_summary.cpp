#include "coord-server/commands/flow_summary.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "coord-server/commands/node_selector.h"
#include "proto/netaddr/endpoint.h"

namespace aya::coord {
namespace {

std::uint64_t figure(const Json& row, const char* name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string protocol_name(std::uint64_t number) {
  struct Known {
    std::uint64_t number;
    const char* name;
  };
  constexpr std::array kKnown = {
      Known{1, "icmp"}, Known{6, "tcp"}, Known{17, "udp"}, Known{58, "icmp6"}, Known{132, "sctp"}};
  const auto found = std::ranges::find(kKnown, number, &Known::number);
  return found == kKnown.end() ? "protocol " + std::to_string(number) : found->name;
}

std::string what_of(const Json& row, const Endpoint& a, const Endpoint& b) {
  const std::string protocol = protocol_name(figure(row, "proto"));
  const std::uint16_t port = std::min(a.port, b.port);
  return port == 0 ? protocol : protocol + '/' + std::to_string(port);
}

using Key = std::tuple<std::string, std::string, std::string>;

// Whom a node talked with, and about what.
Key key_of(
    const std::string& node, const Json& row, const char* list, const FlowNames& names) {
  const auto source = Endpoint::parse(text_at(row, "src"));
  const auto destination = Endpoint::parse(text_at(row, "dst"));
  if (!source || !destination) {
    const bool internet = std::string_view(list) == "exitTraffic";
    return {node, internet ? "(the Internet)" : "(others)", "-"};
  }
  const std::string here = names.of_address(source->address.to_text());
  std::string with = names.of_address(destination->address.to_text());
  if (here != node) with += " for " + here;
  return {node, std::move(with), what_of(row, *source, *destination)};
}

}  // namespace

FlowNames::FlowNames(const Json& devices) {
  for (const Json& device : devices) {
    const std::string label = shown_label(device);
    nodes_[text_at(device, "nodeId")] = label;
    for (const Json& address : list_at(device, "addresses")) {
      if (address.is_string()) addresses_[address.get<std::string>()] = label;
    }
  }
}

std::string FlowNames::of_node(const std::string& node_id) const {
  const auto found = nodes_.find(node_id);
  return found == nodes_.end() ? printable(node_id) : found->second;
}

std::string FlowNames::of_address(const std::string& address) const {
  const auto found = addresses_.find(address);
  return found == addresses_.end() ? address : found->second;
}

void FlowSums::add(const Json& window) {
  const std::string node = names_.of_node(text_at(window, "nodeId"));
  for (const char* list : {"virtualTraffic", "subnetTraffic", "exitTraffic"}) {
    for (const Json& row : list_at(window, list)) {
      FlowSum& sum = sums_[key_of(node, row, list, names_)];
      sum.sent += figure(row, "txBytes");
      sum.received += figure(row, "rxBytes");
    }
  }
}

std::vector<FlowSum> FlowSums::most_first() const {
  std::vector<FlowSum> out;
  for (const auto& [key, sum] : sums_) {
    FlowSum& shown = out.emplace_back(sum);
    std::tie(shown.node, shown.with, shown.what) = key;
  }
  std::ranges::stable_sort(
      out, std::greater<>(), [](const FlowSum& sum) { return sum.sent + sum.received; });
  return out;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array kUnits = {"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double size = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (size >= 1000 && unit + 1 < kUnits.size()) size /= 1000, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", size, kUnits[unit]);
  return text;
}

}  // namespace aya::coord
