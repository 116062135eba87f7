// CountTable: how much went between which ends, for a number of pairs that is fixed when it is
// made. Open addressing; a look goes over a few neighbouring places and no further, so that nobody who
// chooses ends can make it slow: what finds no place there, or comes when all is taken, is for the
// caller to count elsewhere.
//
// After construction nothing allocates. One thread.
#pragma once

#include <span>
#include <vector>

#include "proto/control/flow_report.h"

namespace aya::flow_logs {

using Count = control::TrafficCount;

// Ends as the node sees them: its own side is the source, also of what it receives.
struct FlowKey {
  std::uint8_t protocol = 0;
  Endpoint source, destination;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

// Which list of a window a flow stands in.
enum class Kind : std::uint8_t { Mesh, Subnet, Internet, Outer };

class CountTable {
 public:
  static constexpr std::size_t kLongestLook = 16;

  explicit CountTable(std::size_t most);

  struct Entry {
    FlowKey key;
    Kind kind = Kind::Mesh;
    Count count;
  };

  // nullptr: not there. Valid until clear().
  Count* find(const FlowKey& key);
  // A new one, which was not there; nullptr: there is no place for it.
  Count* add(const FlowKey& key, Kind kind);

  // In the order in which they were added.
  template <class Each>
  void walk(Each each) const {
    for (const Place place : used_) each(places_[place].entry);
  }
  std::size_t size() const { return used_.size(); }
  void clear();

 private:
  using Place = std::uint32_t;
  struct Slot {
    bool taken = false;
    Entry entry;
  };
  Slot* look(const FlowKey& key);  // where it is, or may be; nullptr: neither

  std::size_t most_;
  std::vector<Slot> places_;  // a power of two
  std::vector<Place> used_;   // never more than `most_`, for which there is room
};

}  // namespace aya::flow_logs
