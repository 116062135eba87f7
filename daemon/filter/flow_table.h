// FlowTable remembers the last flows the host opened, so that replies pass without a rule.
#pragma once

#include <variant>

#include "proto/base/lru_table.h"
#include "proto/netaddr/endpoint.h"

namespace aya::filter {

struct Flow {
  std::uint8_t protocol = 0;
  Endpoint source;  // as a reply would carry it
  Endpoint destination;

  friend bool operator==(const Flow&, const Flow&) = default;
};

}  // namespace aya::filter

template <>
struct std::hash<aya::filter::Flow> {
  std::size_t operator()(const aya::filter::Flow& flow) const noexcept {
    const std::hash<aya::Endpoint> endpoint;
    return (endpoint(flow.source) * 31 + endpoint(flow.destination)) * 31 + flow.protocol;
  }
};

namespace aya::filter {

class FlowTable : public LruTable<Flow, std::monostate> {
 public:
  static constexpr std::size_t kDefaultCapacity = 512;  // as deployed nodes have it

  explicit FlowTable(std::size_t capacity = kDefaultCapacity) : LruTable(capacity) {}
};

}  // namespace aya::filter
