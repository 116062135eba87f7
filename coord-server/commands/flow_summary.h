// Flow logs as people read them: who talked with whom, about what, how much. For .cpp files only,
// as it reads the API's JSON. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "coord-server/commands/json.h"

namespace aya::coord {

// What addresses and ids are called.
class FlowNames {
 public:
  explicit FlowNames(const Json& devices);  // the API's list
  // What is not known any more stays what it is.
  std::string of_node(const std::string& node_id) const;
  std::string of_address(const std::string& address) const;

 private:
  std::map<std::string, std::string> nodes_, addresses_;
};

struct FlowSum {
  std::string node;  // that counted it
  std::string with;  // the other side; where the node only passed it on, for whom
  std::string what;  // "tcp/443", "icmp"; the lower port, which is the service's as a rule
  std::uint64_t sent = 0, received = 0;  // bytes
};

// Adds windows up as they come. By which way packets went is left out.
class FlowSums {
 public:
  explicit FlowSums(const FlowNames& names) : names_(names) {}  // which outlive this
  void add(const Json& window);
  std::vector<FlowSum> most_first() const;  // by bytes

 private:
  const FlowNames& names_;
  std::map<std::tuple<std::string, std::string, std::string>, FlowSum> sums_;
};

// "9.0 kB"
std::string size_text(std::uint64_t bytes);

}  // namespace aya::coord
