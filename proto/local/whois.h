// The answer of GET whois (interfaces 4.2): which node and person stand behind an address.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/local/raw_json.h"
#include "proto/local/user_profile.h"

namespace aya::local {

struct WhoIs {
  RawJson node;  // a node object as control 6 writes it; never null on the wire
  UserProfile user;
  RawJson cap_map;  // capabilities the peer's packets have towards us; null when none
};

std::string to_json(const WhoIs& who);  // tab-indented, without a final newline

// What a reader wants of it in plain form.
struct WhoIsSummary {
  std::string name;  // DNS name without the final dot, else the computed name
  std::string stable_id;
  std::vector<std::string> addresses;    // prefixes
  std::vector<std::string> allowed_ips;  // prefixes
  std::vector<std::string> tags;
  UserProfile user;
  std::vector<std::pair<std::string, std::string>> capabilities;  // name, values as JSON
};
Result<WhoIsSummary, ParseError> parse_whois(std::string_view json);

}  // namespace aya::local
