// Sharing: one machine of an account is shown to all machines of another (interfaces 6.1, control
// 9.10, 11.4). A link invites, somebody accepts it, either side ends it.
//
// Two accounts may use the same IPv4 address, so that neither can know the other's machines by
// theirs: what an account calls a stranger is an alias in its own range - the stranger's own
// address where that is free - and stays the same until they do not know each other any more. Who
// needs one follows from the shares; keep_up() sees to it before anybody is told.
//
// Questions cost a look into small maps. Changes go to the store first. One thread.
#pragma once

#include "coord-server/nodes/address_allocator.h"
#include "coord-server/policy/strangers.h"
#include "coord-server/sharing/guests.h"

namespace aya::sharing {

using nodes::Node;
using nodes::Version;
using store::AccountId;
using store::AuditEntry;
using store::DeviceInvite;
using store::InviteId;
using store::NodeId;
using store::Share;
using store::Stored;

// An invitation as somebody meets it who would accept it.
struct Offer {
  enum class Obstacle { None, Unknown, OwnDevice, HaveIt, Over };
  Obstacle obstacle = Obstacle::Unknown;
  const DeviceInvite* invite = nullptr;  // this and the next: unless it is unknown
  const Node* device = nullptr;
};

class Sharing final : public policy::Strangers {
 public:
  static constexpr auto kInviteLifetime = std::chrono::days(30);

  // All outlive the sharing.
  static Stored<std::unique_ptr<Sharing>> load(
      nodes::Registry& registry, store::Store& storage, Rng& rng);

  // --- who meets whom

  // Machines of other accounts that `viewer` may be shown: ascending.
  std::vector<const Node*> strangers_for(const Node& viewer) const;
  // The share by which the first is shown to the second, if it is.
  const Share* share_of(const Node& device, AccountId to) const;
  // Since when the answers above are what they are for machines of this account.
  Version changed(AccountId account) const;
  // Accounts whose machines are shown to this one: their names are looked up with us.
  std::vector<AccountId> sharers_of(AccountId account) const;
  // Shares of one device, and those by which an account sees machines of others.
  std::vector<const Share*> shares_of(NodeId device) const;
  std::vector<const Share*> shares_to(AccountId account) const;
  // Everyone who is a guest at this machine, for its packet filter.
  std::vector<Guest> guests_at(const Node& device) const;
  // Addresses of machines that are shown to this one and may not speak first.
  std::vector<IpAddress> silent_towards(const Node& viewer) const;

  std::vector<policy::Stranger> strangers_in(AccountId account) const override;
  Version strangers_changed(AccountId account) const override { return changed(account); }

  // --- invitations

  const DeviceInvite* invite(InviteId id) const;
  std::vector<const DeviceInvite*> invites_for(NodeId device) const;
  std::vector<const DeviceInvite*> invites_of(AccountId account) const;
  // `pasted`: a link or the code at its end.
  Offer offer(std::string_view pasted, AccountId to, WallTime now) const;
  std::string code_of(const DeviceInvite& invite) const;
  std::vector<const Share*> acceptances(InviteId invite) const;
  bool is_used_up(const DeviceInvite& invite) const;

  // Nonces are filled in.
  Stored<std::vector<const DeviceInvite*>> create(
      std::vector<DeviceInvite> invites, const std::vector<AuditEntry>& audit);
  // A mail server took a mail about it.
  Stored<void> note_mailed(InviteId invite, WallTime when);
  // An offer without obstacle. `entry`: by whom; both accounts read in their logs what happened.
  Stored<void> accept(const Offer& offer, const store::User& by, AuditEntry entry, WallTime now);
  Stored<void> withdraw(InviteId invite, const std::vector<AuditEntry>& audit);
  Stored<void> leave(const Share& share, const std::vector<AuditEntry>& audit);
  // What happens to a device, in the log of one account.
  AuditEntry entry_about(
      const Node& device, AccountId in_log_of, AuditEntry entry, std::string details) const;

  // Forgets what removed machines took with them, and gives and ends aliases. Before maps are
  // told. The error says what could not be done; it will be tried again.
  Result<void, std::string> keep_up(WallTime now);

 private:
  using SharesOfDevice = std::map<AccountId, Share>;

  Sharing(nodes::Registry& registry, store::Store& storage, Rng& rng)
      : registry_(registry), storage_(storage), addresses_(registry, storage, rng), rng_(rng) {}
  void insert(const Share& share);
  void erase(const Share& share);
  void note_change(const Share& share);
  void forget_removed();
  std::set<std::pair<AccountId, NodeId>> needed_aliases() const;
  Result<IpAddress, std::string> address_for(
      AccountId account, const Node& node, const std::set<IpAddress>& given, WallTime now);

  nodes::Registry& registry_;
  store::Store& storage_;
  nodes::AddressAllocator addresses_;
  Rng& rng_;
  store::SecretHash secret_{};
  std::map<InviteId, DeviceInvite> invites_;
  std::map<std::string, InviteId, std::less<>> by_code_;
  std::map<NodeId, SharesOfDevice> by_device_;
  std::map<AccountId, std::set<NodeId>> by_account_;  // devices that are shown to it
  std::map<AccountId, Version> changed_;
  Version kept_up_ = 0;  // with the registry's members
  bool shares_changed_ = true;
};

}  // namespace aya::sharing
