#include "coord-server/device_posture/matching.h"

#include <algorithm>

namespace aya::device_posture {

std::vector<std::string> serials_of(const nodes::Node& node, std::string_view provider) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view text) {
    std::string serial = posture_providers::plain_serial(text);
    if (!serial.empty() && std::ranges::count(out, serial) == 0) out.push_back(std::move(serial));
  };
  if (node.hardware) {
    for (const std::string& serial : node.hardware->serial_numbers) add(serial);
    return out;
  }
  for (const auto& [name, attribute] : node.record.attributes) {
    if (posture_providers::speaks_of(provider, name)) add(attribute.comment);
  }
  return out;
}

Changes without(const nodes::Node& node, std::string_view provider) {
  Changes out;
  for (const auto& [name, attribute] : node.record.attributes) {
    if (posture_providers::speaks_of(provider, name)) out.emplace(name, std::nullopt);
  }
  return out;
}

Match match(
    const nodes::Node& node, std::string_view provider,
    const posture_providers::Report& report, bool wanted) {
  Match out;
  out.changes = without(node, provider);
  const auto serials = wanted ? serials_of(node, provider) : std::vector<std::string>();
  out.possible = !serials.empty();
  for (const std::string& serial : serials) {
    const auto host = report.by_serial.find(serial);
    if (host == report.by_serial.end()) continue;
    out.found = true;
    for (const auto& [name, value] : host->second) {
      out.changes.insert_or_assign(name, store::NodeAttribute{value, std::nullopt, serial});
    }
    break;
  }
  std::erase_if(out.changes, [&](const auto& change) {
    const auto held = node.record.attributes.find(change.first);
    return change.second && held != node.record.attributes.end() && held->second == *change.second;
  });
  return out;
}

}  // namespace aya::device_posture
