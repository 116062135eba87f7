// A person, or the stand-in for tagged devices, as the local interface names the owner of a node.
#pragma once

#include <cstdint>
#include <string>

namespace aya::local {

struct UserProfile {
  std::int64_t id = 0;
  std::string login_name;
  std::string display_name;
  std::string profile_pic_url;
  friend bool operator==(const UserProfile&, const UserProfile&) = default;
};

std::string to_json(const UserProfile& user);  // tab-indented, with a final newline

}  // namespace aya::local
