#include "coord-server/nodes/posture.h"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

namespace aya::nodes {
namespace {

std::string bare(const std::string& json) {
  const auto value = nlohmann::json::parse(json, nullptr, false);
  return value.is_string() ? value.get<std::string>() : json;
}

}  // namespace

std::string short_version(std::string_view client) {
  return std::string(client.substr(0, client.find('-')));
}

std::string_view release_track(std::string_view version) {
  const std::size_t dot = version.find('.');
  const std::size_t end = dot == std::string_view::npos ? dot : version.find('.', dot + 1);
  if (end == std::string_view::npos || end == dot + 1) return "stable";
  return (version[end - 1] - '0') % 2 == 0 ? "stable" : "unstable";
}

bool is_own_attribute(std::string_view name) {
  constexpr std::string_view kSelf = "self:";
  constexpr std::size_t kLongest = 50;
  if (!name.starts_with(kSelf)) return false;
  name.remove_prefix(kSelf.size());
  return !name.empty() && name.size() <= kLongest &&
         std::ranges::all_of(name, [](unsigned char ch) {
           return (ch < 0x80 && std::isalnum(ch)) || ch == '_';
         });
}

std::map<std::string, std::string, std::less<>> posture_of(const store::NodeRecord& node) {
  const control::Hostinfo& host = node.live.hostinfo;
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& [name, attribute] : node.attributes) out[name] = bare(attribute.value);
  std::string os = host.os;
  std::ranges::transform(
      os, os.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
  out["node:os"] = os;
  out["node:osVersion"] = host.os_version;
  if (!host.ipn_version.empty()) {
    const std::string version = short_version(host.ipn_version);
    out["node:tsReleaseTrack"] = release_track(version);
    out["node:tsVersion"] = version;
    out["node:tsAutoUpdate"] = "false";
  }
  return out;
}

}  // namespace aya::nodes
