// A plan file: one line per address, "NODE,ADDRESS". The rest of a line behind "#" is a remark,
// blank lines and a heading "node,address" are passed over. An address is IPv4 or IPv6; a node may
// have a line for each. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coord-server/commands/failure.h"
#include "proto/base/result.h"

namespace aya::coord {

struct PlanLine {
  std::size_t number = 0;  // in the file, from 1
  std::string node;
  std::string address;
};

Result<std::vector<PlanLine>, Failure> parse_address_file(std::string_view text);

}  // namespace aya::coord
