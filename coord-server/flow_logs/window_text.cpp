#include "coord-server/flow_logs/window_text.h"

namespace aya::flow_logs {

// A stable id needs no escapes.
std::string entry_text(const store::FlowRow& row) {
  return R"({"logged":")" + to_rfc3339(row.logged) + R"(","nodeId":")" + row.node + R"(",)" +
         row.window.substr(1);
}

}  // namespace aya::flow_logs
