// FlowCounter counts the traffic of one window, by the pairs of ends that had any; the dataplane
// calls it for every packet while the network wants flow logs, and has none otherwise.
//
//   Count* count = counter.known(Way::Sent, key);               // the usual case
//   if (count == nullptr) count = &counter.begin(Way::Sent, key, kind);
//   count->...
//
// Of what goes to the Internet by an exit node the sum is counted and nothing else: neither where
// people go there nor how often is kept, not even here. Where there is no place for another pair,
// it is counted in a sum of its kind, which stands in the window as a row without ends.
//
// Nothing here allocates but close(), which is not called for packets. One thread.
#pragma once

#include <array>

#include "daemon/flow_logs/count_table.h"
#include "proto/packet/path_address.h"

namespace aya::flow_logs {

enum class Way : std::uint8_t { Sent, Received };

class FlowCounter {
 public:
  static constexpr std::size_t kMostFlows = 3072;
  static constexpr std::size_t kMostOuter = 512;

  struct Sizes {
    std::size_t flows = kMostFlows, outer = kMostOuter;
  };
  FlowCounter() : FlowCounter(Sizes{}) {}
  explicit FlowCounter(Sizes sizes) : flows_(sizes.flows), outer_(sizes.outer) {}

  // nullptr: not seen in this window, or to the Internet. Valid until close().
  Count* known(Way way, const FlowKey& key) {
    Last& last = last_[static_cast<std::size_t>(way)];
    if (last.count != nullptr && last.key == key) return last.count;
    Count* count = flows_.find(key);
    if (count != nullptr) last = {key, count};
    return count;
  }
  // Of one that is not known.
  Count& begin(Way way, const FlowKey& key, Kind kind);

  // WireGuard packets of a peer, by the way they went.
  Count& outer(const IpAddress& peer, const PathAddress& way);

  // What was counted, and begins anew; nullopt: nothing.
  std::optional<control::FlowWindow> close(WallTime start, WallTime end);

  // Flows that found no place, of all windows: every packet of them counts.
  std::uint64_t overflowed() const { return overflowed_; }

 private:
  struct Last {  // packets of one flow come together
    FlowKey key;
    Count* count = nullptr;
  };
  Count& sum(Kind kind) { return sums_[static_cast<std::size_t>(kind)]; }

  CountTable flows_, outer_;
  std::array<Count, 4> sums_{};  // by Kind: of all of the Internet, of the others what was too much
  std::array<Last, 2> last_{};   // by Way
  std::uint64_t overflowed_ = 0;
};

}  // namespace aya::flow_logs
