// A login of this machine as `profiles/` of the local interface shows it (interfaces 4.2). The
// machine may have several, and uses one at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/local/user_profile.h"

namespace aya::local {

struct LoginProfile {
  std::string id;    // "" before the first login, and all else with it
  std::string name;  // a nickname, else the login name
  std::string magic_dns_name;
  std::string domain_name;
  std::string display_name;  // of the network; often ""
  UserProfile user;
  std::string node_id;  // stable id
  std::string control_url;
  std::optional<WallTime> created;
  friend bool operator==(const LoginProfile&, const LoginProfile&) = default;

  // What lists call its network.
  const std::string& network() const { return display_name.empty() ? domain_name : display_name; }
};

// One line each, without its end.
std::string to_json_line(const LoginProfile& profile);
std::string to_json_line(const std::vector<LoginProfile>& profiles);

Result<LoginProfile, ParseError> parse_login_profile(std::string_view json);
Result<std::vector<LoginProfile>, ParseError> parse_login_profiles(std::string_view json);

}  // namespace aya::local
