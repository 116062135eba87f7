#include "proto/local/login_profile.h"

#include "proto/local/json_fields.h"

namespace aya::local {
namespace {

Json profile_value(const LoginProfile& profile) {
  Json out = {
      {"ID", profile.id},
      {"Name", profile.name},
      {"NetworkProfile",
       {{"MagicDNSName", profile.magic_dns_name},
        {"DomainName", profile.domain_name},
        {"DisplayName", profile.display_name}}},
      {"Key", profile.id.empty() ? std::string() : "profile-" + profile.id},
      {"UserProfile", to_json_value(profile.user)},
      {"NodeID", profile.node_id},
      {"LocalUserID", ""},
      {"ControlURL", profile.control_url}};
  if (profile.created) out["Created"] = to_rfc3339(*profile.created);
  return out;
}

Result<LoginProfile, ParseError> read_profile(const Json& value) {
  Fields in(value);
  LoginProfile out;
  in.read("ID", out.id);
  in.read("Name", out.name);
  in.read("UserProfile", out.user);
  in.read("NodeID", out.node_id);
  in.read("ControlURL", out.control_url);
  in.read("Created", out.created);
  if (const Json* network = in.find("NetworkProfile")) {
    Fields inner(*network);
    inner.read("MagicDNSName", out.magic_dns_name);
    inner.read("DomainName", out.domain_name);
    inner.read("DisplayName", out.display_name);
    if (inner.failed()) return ParseError::BadValue;
  }
  if (in.failed()) return ParseError::BadValue;
  return out;
}

}  // namespace

std::string to_json_line(const LoginProfile& profile) { return dump_line(profile_value(profile)); }

std::string to_json_line(const std::vector<LoginProfile>& profiles) {
  Json list = Json::array();
  for (const LoginProfile& profile : profiles) list.push_back(profile_value(profile));
  return dump_line(list);
}

Result<LoginProfile, ParseError> parse_login_profile(std::string_view json) {
  return read_profile(parse_json(json));
}

Result<std::vector<LoginProfile>, ParseError> parse_login_profiles(std::string_view json) {
  const Json list = parse_json(json);
  std::vector<LoginProfile> out;
  if (list.is_null()) return out;
  if (!list.is_array()) return ParseError::BadValue;
  for (const Json& item : list) {
    auto profile = read_profile(item);
    if (!profile) return profile.error();
    out.push_back(*std::move(profile));
  }
  return out;
}

}  // namespace aya::local
