// StateStore is the node's memory: the state file, decoded, and saved with every change.
//
//   auto store = StateStore::open("/var/lib/ayatori/ayatorid.state", rng);
//   if (!store) return fail(store.error().message());
//   store->update([&](NodeState& s) { s.node_key = fresh; });   // on disk when it returns
//
// A file that cannot be decoded is never overwritten: open() sets it aside and fails, saying where
// it is and what to do; the next start begins afresh. One of a newer version stays in place and is
// refused every time. Writes block on the disk. One thread.
#pragma once

#include <concepts>

#include "daemon/state/node_state.h"
#include "daemon/state/state_file.h"
#include "proto/base/rng.h"

namespace aya::state {

class StateStore {
 public:
  // Reads the state, or makes a new one (with a new machine key) and saves it.
  static Result<StateStore, StateError> open(std::string path, Rng& rng);

  const NodeState& state() const { return state_; }

  // Changes and saves. If saving fails the old state stays in force, here and on disk.
  template <std::invocable<NodeState&> Change>
  Result<void, StateError> update(Change change) {
    NodeState next = state_;
    change(next);
    return replace(std::move(next));
  }

 private:
  StateStore(StateFile file, NodeState state) : file_(std::move(file)), state_(std::move(state)) {}
  Result<void, StateError> replace(NodeState next);

  StateFile file_;
  NodeState state_;
};

}  // namespace aya::state
