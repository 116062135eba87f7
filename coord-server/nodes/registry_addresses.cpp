// Addresses in the registry: who has which, and moving them.
#include <algorithm>

#include "coord-server/nodes/registry.h"

namespace aya::nodes {

const Node* Registry::find_address(AccountId account, const IpAddress& address) const {
  const auto at = indexes_.find(account);
  if (at == indexes_.end()) return nullptr;
  const auto& holders = address.is_v4() ? at->second.by_v4 : by_v6_;
  const auto holder = holders.find(address);
  const Node* node = holder == holders.end() ? nullptr : find(holder->second);
  return node != nullptr && node->account() == account ? node : nullptr;
}

bool Registry::is_taken(AccountId account, const IpAddress& address) const {
  if (address.is_v6()) {
    return by_v6_.contains(address) || std::ranges::any_of(indexes_, [&](const auto& index) {
             return service_at(index.first, address) != nullptr;
           });
  }
  if (service_at(account, address) != nullptr) return true;
  const auto at = indexes_.find(account);
  return at != indexes_.end() &&
         (at->second.by_v4.contains(address) || at->second.by_alias.contains(address));
}

std::optional<NodeId> Registry::quarantined_for(
    AccountId account, const IpAddress& address, WallTime now) const {
  const auto at = indexes_.find(account);
  if (at == indexes_.end()) return std::nullopt;
  const auto kept = at->second.quarantine.find(address);
  if (kept == at->second.quarantine.end() || kept->second.until <= now) return std::nullopt;
  return kept->second.former;
}

void Registry::keep_quiet(
    AccountId account, const IpAddress& address, NodeId former, WallTime until) {
  indexes_[account].quarantine.insert_or_assign(
      address, store::Quarantine{account, address, former, until});
}

Stored<void> Registry::change_addresses(
    const store::AddressChange& change, const std::vector<AuditEntry>& audit) {
  for (const store::AddressMove& move : change.moves) AYA_CHECK(find(move.node) != nullptr);
  if (auto stored = storage_.change_addresses(change, audit); !stored) return stored;
  // All leave the index before the first comes back: addresses may go round among them.
  for (const store::AddressMove& move : change.moves) unindex(nodes_.at(move.node));
  for (const store::AddressMove& move : change.moves) {
    NodeRecord& record = nodes_.at(move.node).record;
    (move.to.is_v4() ? record.ipv4 : record.ipv6) = move.to;
    std::erase_if(record.former, [&](const auto& former) { return former.address == move.to; });
    indexes_[change.account].quarantine.erase(move.to);
  }
  for (const store::AddressMove& move : change.moves) {
    const bool changes_hands =
        std::ranges::find(change.moves, move.from, &store::AddressMove::to) != change.moves.end();
    if (changes_hands) continue;
    if (change.grace_until) {
      nodes_.at(move.node).record.former.push_back({move.from, *change.grace_until});
    } else {
      keep_quiet(change.account, move.from, move.node, change.free_again);
    }
  }
  for (const store::AddressMove& move : change.moves) {
    Node& node = nodes_.at(move.node);
    std::ranges::sort(node.record.former, {}, &store::FormerAddress::until);
    index(node);
    touch(node, {Facet::Identity});
  }
  addresses_changed_ = version_;
  return {};
}

std::optional<Registry::Overdue> Registry::overdue_former(WallTime now) const {
  if (former_ends_.empty()) return std::nullopt;
  const auto& [until, node, former] = *former_ends_.begin();
  if (until > now) return std::nullopt;
  return Overdue{node, former};
}

std::optional<WallTime> Registry::next_former_end() const {
  if (former_ends_.empty()) return std::nullopt;
  return std::get<WallTime>(*former_ends_.begin());
}

Stored<void> Registry::end_former(const Overdue& overdue, WallTime now, const AuditEntry& audit) {
  Node& node = nodes_.at(overdue.node);
  const WallTime free_again = now + kQuarantine;
  auto stored = storage_.end_former_address(overdue.node, overdue.former, free_again, audit);
  if (!stored) return stored;
  unindex(node);
  std::erase_if(
      node.record.former, [&](const auto& former) { return former.address == overdue.former; });
  index(node);
  keep_quiet(node.account(), overdue.former, overdue.node, free_again);
  touch(node, {Facet::Identity});
  return {};
}

}  // namespace aya::nodes
