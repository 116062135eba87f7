#include "daemon/flow_logs/flow_counter.h"

namespace aya::flow_logs {
namespace {

std::vector<control::FlowTraffic>& list_of(Kind kind, control::FlowWindow& window) {
  switch (kind) {
    case Kind::Mesh:
      return window.mesh;
    case Kind::Subnet:
      return window.subnet;
    case Kind::Internet:
      return window.internet;
    case Kind::Outer:
      break;
  }
  return window.outer;
}

}  // namespace

Count& FlowCounter::begin(Way way, const FlowKey& key, Kind kind) {
  Count* count = kind == Kind::Internet ? nullptr : flows_.add(key, kind);
  if (count == nullptr) {
    if (kind != Kind::Internet) ++overflowed_;
    count = &sum(kind);
  }
  // Of what has no row of its own only the last flow is remembered: the next one comes here again.
  last_[static_cast<std::size_t>(way)] = {key, count};
  return *count;
}

Count& FlowCounter::outer(const IpAddress& peer, const PathAddress& way) {
  const FlowKey key{0, {peer, 0}, way.is_relay() ? way.as_endpoint() : way.udp};
  Count* count = outer_.find(key);
  if (count == nullptr) count = outer_.add(key, Kind::Outer);
  if (count != nullptr) return *count;
  ++overflowed_;
  return sum(Kind::Outer);
}

std::optional<control::FlowWindow> FlowCounter::close(WallTime start, WallTime end) {
  control::FlowWindow window{start, end, {}, {}, {}, {}};
  for (const CountTable* table : {&flows_, &outer_}) {
    table->walk([&](const CountTable::Entry& entry) {
      const FlowKey& key = entry.key;
      list_of(entry.kind, window)
          .push_back({key.protocol, key.source, key.destination, entry.count});
    });
  }
  for (const Kind kind : {Kind::Mesh, Kind::Subnet, Kind::Internet, Kind::Outer}) {
    if (!sum(kind).empty()) list_of(kind, window).push_back({0, {}, {}, sum(kind)});
  }
  flows_.clear();
  outer_.clear();
  sums_ = {};
  last_ = {};
  if (window.rows() == 0) return std::nullopt;
  return window;
}

}  // namespace aya::flow_logs
