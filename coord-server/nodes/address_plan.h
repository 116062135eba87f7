// May these nodes have these addresses? Asked of one edit, of a swap and of a plan with hundreds of
// lines alike: wishes are looked at together, so that addresses may go round among the nodes of a
// plan, and every wish that cannot be is named, not just the first (interfaces 1.5). Pure.
#pragma once

#include "coord-server/nodes/registry.h"

namespace aya::nodes {

struct AddressWish {
  NodeId node;
  IpAddress to;  // its family says which address changes
};

struct PlanOptions {
  WallTime now{};
  bool force = false;  // addresses in quarantine as well
  std::optional<WallTime> grace_until;
  std::vector<store::Reservation> reservations;
};

struct PlanRefusal {
  std::size_t wish = 0;   // which of them
  bool is_taken = false;  // it belongs to somebody; otherwise it is no address for a node
  std::string text;
};

struct CheckedPlan {
  store::AddressChange change;  // without the wishes that are fulfilled already
  std::vector<PlanRefusal> refusals;
};

// The nodes exist and are of `account`.
CheckedPlan check_plan(
    const Registry& registry, AccountId account, const std::vector<AddressWish>& wishes,
    const PlanOptions& options);

// May the address be kept for a device that does not exist yet, or for a service? nullopt: yes.
std::optional<PlanRefusal> refuse_reservation(
    const Registry& registry, AccountId account, const IpAddress& address,
    const PlanOptions& options);

// The way back: each node to where it was. Refused where one of them has moved on since.
std::vector<AddressWish> wishes_to_undo(const store::AddressChange& change);
bool stands_as_left(const Registry& registry, const store::AddressChange& change);

const IpAddress& address_of_family(const NodeRecord& node, const IpAddress& like);

}  // namespace aya::nodes
