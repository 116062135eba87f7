// How a handler of the API has a question carried to a node (control 4.5). What the node says is
// then what the caller is told, a while later: the handler's own answer only says that it asked.
#pragma once

#include "coord-server/nodes/registry.h"
#include "proto/http/message.h"

namespace aya::api {

class NodeAsker {
 public:
  virtual ~NodeAsker() = default;
  // False: the node is not connected, or takes nothing at the moment.
  virtual bool ask(store::NodeId node, const http::Request& question) = 0;
};

}  // namespace aya::api
