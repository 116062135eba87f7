// Flow logs: what nodes have told of their traffic, a row for each window of each node. Rows have
// numbers that grow and never come back, over all networks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

struct FlowRow {
  std::int64_t number = 0;
  std::string node;    // its stable id: the row outlives the node
  WallTime logged{};   // when the server was told
  WallTime start{};    // of the window, by the node's clock
  std::string window;  // JSON, as control::encode() makes it
  friend bool operator==(const FlowRow&, const FlowRow&) = default;
};

// Windows that a node told at once.
struct FlowBatch {
  NodeId node;
  std::string run;          // of its program
  std::uint64_t first = 0;  // number of the first window within the run
  std::vector<FlowRow> rows;
};

struct FlowQuery {
  WallTime from{}, to{};  // windows that began from then on, and before that
  std::string node;       // empty: of every node
};

struct FlowSize {
  std::uint64_t rows = 0, bytes = 0;
};

class FlowLogStore {
 public:
  virtual ~FlowLogStore() = default;

  // Those that are not there yet: a node that did not hear our answer tells the same again. How
  // many that were.
  virtual Stored<std::size_t> add_flows(AccountId account, const FlowBatch& batch) = 0;

  // By the beginning of their windows.
  virtual Stored<void> each_flow(
      AccountId account, const FlowQuery& wanted,
      const std::function<void(const FlowRow&)>& each) = 0;
  virtual Stored<FlowSize> size_of_flows(AccountId account, const FlowQuery& wanted) = 0;

  // Rows after that one, oldest first: at most so many, and no more once they are that long.
  virtual Stored<std::vector<FlowRow>> flows_after(
      AccountId account, std::int64_t number, std::size_t most_rows, std::size_t most_bytes) = 0;
  // The greatest number there has been, 0 for none. Cheap while nothing is written.
  virtual std::int64_t newest_flow() = 0;

  // Removes a piece of what was told before then, of what an account has beyond so many bytes, and
  // of what accounts have left that are gone. True: that was not all.
  virtual Stored<bool> prune_flows(WallTime before, std::uint64_t most_bytes) = 0;
};

}  // namespace aya::store
