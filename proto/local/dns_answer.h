// The answer of GET dns-query (interfaces 4.2): a DNS message, and who was or would be asked.
#pragma once

#include <string>
#include <vector>

#include "proto/base/bytes.h"

namespace aya::local {

struct DnsAnswer {
  Buffer response;
  std::vector<std::string> resolvers;  // addresses or URLs; none: answered by the node itself
};

std::string to_json_line(const DnsAnswer& answer);

}  // namespace aya::local
