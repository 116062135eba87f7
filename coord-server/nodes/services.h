// Services as the registry knows them (store/services.h): which there are, and at which of their
// hosts others reach them.
#pragma once

#include <string_view>

#include "coord-server/nodes/election.h"
#include "coord-server/store/services.h"

namespace aya::nodes {

struct Service {
  store::Service record;
  std::optional<NodeId> carrier{};  // of the nodes that answer for it, the one in use
};

// By the names of services, which need not be there.
using Hosting = std::map<std::string, store::ServiceHost>;

// The label of "svc:web", by which it is looked up; empty: that is no name of a service.
inline std::string_view label_of_service(std::string_view name) {
  constexpr std::string_view kPrefix = "svc:";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : std::string_view();
}

}  // namespace aya::nodes
