#include "coord-server/nodes/address_plan.h"

#include <algorithm>
#include <map>

#include "coord-server/nodes/address_rules.h"

namespace aya::nodes {
namespace {

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string unfit(const IpAddress& address) {
  switch (rule_for(address)) {
    case AddressRule::OutsideRange:
      return quoted(address.to_text()) + ": not within the account range " +
             (address.is_v4() ? kOverlayV4 : kOverlayV6).to_text();
    case AddressRule::Reserved:
      return quoted(address.to_text()) + ": address within reserved range";
    case AddressRule::Free:
      break;
  }
  return {};
}

std::string held_by(const NodeRecord& holder, const IpAddress& address) {
  const bool former = address_of_family(holder, address) != address;
  return address.to_text() + (former ? " is still answered at by " : " is already assigned to ") +
         quoted(holder.label);
}

// By a service of the account, or by somebody of whom it must not know.
std::string held_otherwise(
    const Registry& registry, AccountId account, const IpAddress& address) {
  if (!registry.is_taken(account, address)) return {};
  const Service* service = registry.service_at(account, address);
  return address.to_text() + " is already assigned to " +
         (service == nullptr ? "a device of another account" : quoted(service->record.name));
}

// Kept for somebody, or left by somebody else a short time ago.
std::string not_to_be_had(
    const Registry& registry, AccountId account, const IpAddress& address, NodeId wanted_by,
    const PlanOptions& options) {
  const auto kept = std::ranges::find(options.reservations, address, &store::Reservation::ipv4);
  if (kept != options.reservations.end()) {
    return address.to_text() + " is reserved by auth key " + kept->key_id;
  }
  const auto former = registry.quarantined_for(account, address, options.now);
  if (former && *former != wanted_by && !options.force) {
    return address.to_text() +
           " belonged to another device less than 24 hours ago; add ?force=true to take it anyway";
  }
  return {};
}

class PlanCheck {
 public:
  PlanCheck(
      const Registry& registry, AccountId account, const std::vector<AddressWish>& wishes,
      const PlanOptions& options)
      : registry_(registry), account_(account), wishes_(wishes), options_(options) {
    for (const AddressWish& wish : wishes) ++wanted_[wish.to];
    for (const AddressWish& wish : wishes) ++moving_[{wish.node, wish.to.is_v4()}];
  }

  CheckedPlan run() {
    for (std::size_t i = 0; i < wishes_.size(); ++i) check(i);
    plan_.change.account = account_;
    plan_.change.time = options_.now;
    plan_.change.grace_until = options_.grace_until;
    plan_.change.free_again = options_.now + Registry::kQuarantine;
    return std::move(plan_);
  }

 private:
  // In the order of the table in interfaces 1.5; the first that fails says why.
  void check(std::size_t index) {
    const AddressWish& wish = wishes_[index];
    const NodeRecord& node = registry_.find(wish.node)->record;
    const IpAddress& from = address_of_family(node, wish.to);
    if (const std::string bad = unfit(wish.to); !bad.empty()) return refuse(index, false, bad);
    if (moving_[{wish.node, wish.to.is_v4()}] > 1) {
      return refuse(index, false, quoted(node.label) + " stands in the plan twice");
    }
    if (wanted_[wish.to] > 1) {
      return refuse(index, true, wish.to.to_text() + " is given twice in the plan");
    }
    if (wish.to == from) return;
    if (const std::string why = taken(wish); !why.empty()) return refuse(index, true, why);
    if (options_.grace_until && wanted_.contains(from)) {
      return refuse(
          index, false, from.to_text() + " goes to another device at once: there can be no grace");
    }
    plan_.change.moves.push_back({wish.node, from, wish.to});
  }

  std::string taken(const AddressWish& wish) const {
    const Node* holder = registry_.find_address(account_, wish.to);
    if (holder == nullptr) {
      if (std::string why = held_otherwise(registry_, account_, wish.to); !why.empty()) return why;
    }
    if (holder != nullptr && holder->id() != wish.node && !leaves(*holder, wish.to)) {
      return held_by(holder->record, wish.to);
    }
    return not_to_be_had(registry_, account_, wish.to, wish.node, options_);
  }

  // Does the plan take this address from its holder?
  bool leaves(const Node& holder, const IpAddress& address) const {
    if (address_of_family(holder.record, address) != address) return false;
    return std::ranges::any_of(wishes_, [&](const AddressWish& wish) {
      return wish.node == holder.id() && wish.to.is_v4() == address.is_v4() && wish.to != address;
    });
  }

  void refuse(std::size_t wish, bool is_taken, std::string text) {
    plan_.refusals.push_back({wish, is_taken, std::move(text)});
  }

  const Registry& registry_;
  AccountId account_;
  const std::vector<AddressWish>& wishes_;
  const PlanOptions& options_;
  std::map<IpAddress, int> wanted_;
  std::map<std::pair<NodeId, bool>, int> moving_;
  CheckedPlan plan_;
};

}  // namespace

CheckedPlan check_plan(
    const Registry& registry, AccountId account, const std::vector<AddressWish>& wishes,
    const PlanOptions& options) {
  return PlanCheck(registry, account, wishes, options).run();
}

std::optional<PlanRefusal> refuse_reservation(
    const Registry& registry, AccountId account, const IpAddress& address,
    const PlanOptions& options) {
  if (std::string bad = unfit(address); !bad.empty()) return PlanRefusal{0, false, std::move(bad)};
  const Node* holder = registry.find_address(account, address);
  std::string why = holder != nullptr ? held_by(holder->record, address)
                                      : held_otherwise(registry, account, address);
  if (why.empty()) why = not_to_be_had(registry, account, address, {}, options);
  if (why.empty()) return std::nullopt;
  return PlanRefusal{0, true, std::move(why)};
}

std::vector<AddressWish> wishes_to_undo(const store::AddressChange& change) {
  std::vector<AddressWish> out;
  for (const store::AddressMove& move : change.moves) out.push_back({move.node, move.from});
  return out;
}

bool stands_as_left(const Registry& registry, const store::AddressChange& change) {
  return std::ranges::all_of(change.moves, [&](const store::AddressMove& move) {
    const Node* node = registry.find(move.node);
    return node != nullptr && address_of_family(node->record, move.to) == move.to;
  });
}

const IpAddress& address_of_family(const NodeRecord& node, const IpAddress& like) {
  return like.is_v4() ? node.ipv4 : node.ipv6;
}

}  // namespace aya::nodes
