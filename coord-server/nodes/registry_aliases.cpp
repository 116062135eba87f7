// Aliases in the registry: addresses of an account that stand for nodes of another (control 11.4).
#include "coord-server/nodes/registry.h"

namespace aya::nodes {

std::optional<IpAddress> Registry::alias(AccountId account, NodeId node) const {
  const auto& aliases = aliases_in(account);
  const auto at = aliases.find(node);
  if (at == aliases.end()) return std::nullopt;
  return at->second;
}

const std::map<NodeId, IpAddress>& Registry::aliases_in(AccountId account) const {
  static const std::map<NodeId, IpAddress> kNone;
  const auto at = indexes_.find(account);
  return at == indexes_.end() ? kNone : at->second.aliases;
}

void Registry::begin_alias(const store::Alias& alias) {
  AccountIndex& account = indexes_[alias.account];
  account.aliases[alias.node] = alias.ipv4;
  account.by_alias[alias.ipv4] = alias.node;
}

Stored<void> Registry::change_aliases(
    const std::vector<store::Alias>& begin, const std::vector<store::Alias>& end, WallTime now) {
  const WallTime free_again = now + kQuarantine;
  if (auto stored = storage_.change_aliases(begin, end, free_again); !stored) return stored;
  for (const store::Alias& alias : end) {
    AccountIndex& account = indexes_[alias.account];
    account.aliases.erase(alias.node);
    account.by_alias.erase(alias.ipv4);
    keep_quiet(alias.account, alias.ipv4, alias.node, free_again);
  }
  for (const store::Alias& alias : begin) begin_alias(alias);
  return {};
}

}  // namespace aya::nodes
