// How a handler of the API turns its answer into a stream of notices: what changed in one account,
// from now on.
#pragma once

#include "coord-server/store/stored.h"

namespace aya::api {

class ChangeWatcher {
 public:
  virtual ~ChangeWatcher() = default;
  // The handler's own answer is then the head of the stream. False: too many watch already, or this
  // caller takes whole answers only.
  virtual bool watch(store::AccountId account) = 0;
};

}  // namespace aya::api
