#include "proto/control/occupied_prefixes.h"

#include <nlohmann/json.hpp>

namespace aya::control {
namespace {

constexpr const char* kOccupiedMember = "OccupiedPrefixes";
const Prefix kOverlayRange{IpAddress::v4(0x64400000), 10};

}  // namespace

std::vector<Prefix> occupied_prefixes(const Hostinfo& hostinfo) {
  std::vector<Prefix> out;
  const auto found = hostinfo.others.find(kOccupiedMember);
  if (found == hostinfo.others.end()) return out;
  const auto list = nlohmann::json::parse(found->second.text, nullptr, false);
  if (!list.is_array()) return out;
  for (const auto& entry : list) {
    if (out.size() == kOccupiedAtMost) break;
    const auto* text = entry.get_ptr<const std::string*>();
    const auto prefix = text == nullptr ? std::nullopt : Prefix::parse(*text);
    if (!prefix || prefix->length < kOverlayRange.length ||
        !kOverlayRange.contains(prefix->address))
      continue;
    out.push_back(prefix->masked());
  }
  return out;
}

void set_occupied_prefixes(Hostinfo& hostinfo, const std::vector<Prefix>& prefixes) {
  if (prefixes.empty()) {
    hostinfo.others.erase(kOccupiedMember);
    return;
  }
  auto list = nlohmann::json::array();
  for (const Prefix& prefix : prefixes) list.push_back(prefix.to_text());
  hostinfo.others[kOccupiedMember] = RawJson{list.dump()};
}

}  // namespace aya::control
