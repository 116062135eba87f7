// Addresses of nodes as something that changes: several at once, with what a change leaves behind.
//
// An IPv4 address of an account belongs to one node at a time, and so does an IPv6 address of the
// whole server. A node that moves may answer at its former address for a while (its grace); after
// that, or at once, the former one rests in quarantine. What was changed is remembered for as long
// as it can be undone.
#pragma once

#include <optional>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

struct AddressMove {
  NodeId node;
  IpAddress from, to;  // of one family
  friend bool operator==(const AddressMove&, const AddressMove&) = default;
};

// One decision: an edit, a swap, a whole plan, or the undoing of one. No node moves twice in one
// family, no address is given twice.
struct AddressChange {
  AccountId account;
  WallTime time{};
  std::vector<AddressMove> moves;
  std::optional<WallTime> grace_until;  // absent: former addresses are left at once
  WallTime free_again{};                // then, when others may have them
};

struct FormerAddressRow {
  NodeId node;
  FormerAddress former;
};

// An address that waits for the machine which comes with a certain auth key.
struct Reservation {
  std::string key_id;  // AuthKey::public_id
  IpAddress ipv4;
};

class AddressStore {
 public:
  static constexpr auto kUndoFor = std::chrono::hours(24);

  virtual ~AddressStore() = default;

  // All moves or none. Addresses that change hands within `moves` are neither kept nor in
  // quarantine. Taken: one of the new addresses has another holder, or is still answered at.
  virtual Stored<void> change_addresses(
      const AddressChange& change, const std::vector<AuditEntry>& audit) = 0;
  // The newest change that moved this node, not older than kUndoFor.
  virtual Stored<std::optional<AddressChange>> last_address_change(NodeId node, WallTime now) = 0;

  virtual Stored<std::vector<FormerAddressRow>> former_addresses() = 0;
  // The node answers there no more; the address rests until `free_again`.
  virtual Stored<void> end_former_address(
      NodeId node, const IpAddress& former, WallTime free_again, const AuditEntry& audit) = 0;

  // By keys that can still be used.
  virtual Stored<std::vector<Reservation>> reservations(AccountId account, WallTime now) = 0;
};

}  // namespace aya::store
