// Machines that are shown to another account: invitations, what became of them, and the addresses
// under which one account knows the machines of another (control 11.4).
#pragma once

#include <optional>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

using InviteId = StrongId<struct DeviceInviteTag, std::int64_t>;

struct DeviceInvite {
  InviteId id;
  AccountId account;  // of the device
  NodeId device;
  UserId sharer;
  SecretHash nonce{};  // with a secret of the server it makes the code in the link
  bool multi_use = false;
  bool allow_exit_node = false;
  std::string email;
  WallTime created{};
  WallTime expires{};  // cannot be accepted from then on; what was accepted stays
  std::optional<WallTime> mailed;  // when a mail server last took a mail about it
};

// An accepted invitation: `device` is shown to the machines of `account`.
struct Share {
  InviteId invite;
  NodeId device;
  AccountId account;
  UserId accepted_by;
  bool allow_exit_node = false;
  WallTime accepted{};
  friend bool operator==(const Share&, const Share&) = default;
};

// How `account` calls the IPv4 address of a machine of another account: its own where that is free,
// and always the same while they know each other.
struct Alias {
  AccountId account;
  NodeId node;
  IpAddress ipv4;
};

class SharingStore {
 public:
  static constexpr std::int64_t kMostAcceptances = 1000;  // of an invite for several

  virtual ~SharingStore() = default;

  virtual Stored<std::vector<DeviceInvite>> device_invites() = 0;
  virtual Stored<std::vector<Share>> shares() = 0;
  virtual Stored<std::vector<Alias>> aliases() = 0;

  // All of them or none.
  virtual Stored<std::vector<DeviceInvite>> create_device_invites(
      std::vector<DeviceInvite> invites, const std::vector<AuditEntry>& audit) = 0;
  // Taken: the account has the device already. Spent: the invite takes no more.
  virtual Stored<void> accept_device_invite(
      const Share& share, const std::vector<AuditEntry>& audit) = 0;
  // With every share that came of it.
  virtual Stored<void> delete_device_invite(
      InviteId invite, const std::vector<AuditEntry>& audit) = 0;
  virtual Stored<void> note_device_invite_mailed(InviteId invite, WallTime when) = 0;
  // The other side does not want it any more.
  virtual Stored<void> leave_share(const Share& share, const std::vector<AuditEntry>& audit) = 0;

  // Addresses that begin and end to be used for strangers. Those that end rest until `free_again`.
  virtual Stored<void> change_aliases(
      const std::vector<Alias>& begin, const std::vector<Alias>& end, WallTime free_again) = 0;
};

}  // namespace aya::store
