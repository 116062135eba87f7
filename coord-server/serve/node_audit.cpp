#include "coord-server/serve/node_audit.h"

#include "coord-server/api/json.h"

namespace aya::serve {

store::AuditEntry by_node(
    const nodes::Registry& registry, const nodes::Node& node, std::string action, WallTime now) {
  store::AuditEntry entry;
  entry.account = node.account();
  entry.time = now;
  entry.origin = "CONTROL";
  entry.actor = api::text_of({{"type", "NODE"}, {"id", node.record.stable_id}});
  entry.action = std::move(action);
  entry.target_type = "NODE";
  entry.target_id = node.record.stable_id;
  entry.target_name = registry.full_name(node);
  return entry;
}

}  // namespace aya::serve
