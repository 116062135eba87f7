#include "coord-server/sharing/sharing.h"

#include <algorithm>

#include "coord-server/enroll/invite_code.h"
#include "coord-server/nodes/address_rules.h"
#include "proto/base/hex.h"

namespace aya::sharing {
namespace {

constexpr const char* kSecretName = "device_invite_secret";

}  // namespace

Stored<std::unique_ptr<Sharing>> Sharing::load(
    nodes::Registry& registry, store::Store& storage, Rng& rng) {
  std::unique_ptr<Sharing> sharing(new Sharing(registry, storage, rng));
  auto secret = enroll::load_invite_secret(storage, kSecretName, rng);
  if (!secret) return secret.error();
  sharing->secret_ = *secret;
  auto invites = storage.device_invites();
  if (!invites) return invites.error();
  for (const DeviceInvite& invite : *invites) {
    sharing->invites_.emplace(invite.id, invite);
    sharing->by_code_.emplace(sharing->code_of(invite), invite.id);
  }
  auto shares = storage.shares();
  if (!shares) return shares.error();
  for (const Share& share : *shares) sharing->insert(share);
  return sharing;
}

// --- who meets whom

const Share* Sharing::share_of(const Node& device, AccountId to) const {
  const auto shares = by_device_.find(device.id());
  if (shares == by_device_.end()) return nullptr;
  const auto share = shares->second.find(to);
  return share == shares->second.end() ? nullptr : &share->second;
}

std::vector<const Node*> Sharing::strangers_for(const Node& viewer) const {
  std::set<NodeId> ids;
  for (const Share* share : shares_to(viewer.account())) ids.insert(share->device);
  for (const Share* share : shares_of(viewer.id())) {
    const auto& guests = registry_.nodes_of(share->account);
    ids.insert(guests.begin(), guests.end());
  }
  std::vector<const Node*> out;
  for (const NodeId id : ids) {
    if (const Node* node = registry_.find(id)) out.push_back(node);
  }
  return out;
}

std::vector<AccountId> Sharing::sharers_of(AccountId account) const {
  std::set<AccountId> out;
  for (const Share* share : shares_to(account)) {
    if (const Node* device = registry_.find(share->device)) out.insert(device->account());
  }
  return {out.begin(), out.end()};
}

Version Sharing::changed(AccountId account) const {
  const auto at = changed_.find(account);
  return at == changed_.end() ? 0 : at->second;
}

std::vector<const Share*> Sharing::shares_of(NodeId device) const {
  std::vector<const Share*> out;
  const auto shares = by_device_.find(device);
  if (shares == by_device_.end()) return out;
  for (const auto& [account, share] : shares->second) out.push_back(&share);
  return out;
}

std::vector<const Share*> Sharing::shares_to(AccountId account) const {
  std::vector<const Share*> out;
  const auto devices = by_account_.find(account);
  if (devices == by_account_.end()) return out;
  for (const NodeId device : devices->second) {
    out.push_back(&by_device_.at(device).at(account));
  }
  return out;
}

std::vector<Guest> Sharing::guests_at(const Node& device) const {
  std::vector<Guest> out;
  for (const Share* share : shares_of(device.id())) {
    for (const NodeId id : registry_.nodes_of(share->account)) {
      Guest guest;
      guest.may_exit = share->allow_exit_node;
      guest.addresses = {registry_.find(id)->record.ipv6};
      if (const auto alias = registry_.alias(device.account(), id)) {
        guest.addresses.push_back(*alias);
      }
      out.push_back(std::move(guest));
    }
  }
  return out;
}

std::vector<IpAddress> Sharing::silent_towards(const Node& viewer) const {
  std::vector<IpAddress> out;
  for (const Share* share : shares_to(viewer.account())) {
    const Node* device = registry_.find(share->device);
    if (device == nullptr || share_of(viewer, device->account()) != nullptr) continue;
    out.push_back(device->record.ipv6);
    if (const auto alias = registry_.alias(viewer.account(), device->id())) out.push_back(*alias);
  }
  return out;
}

std::vector<policy::Stranger> Sharing::strangers_in(AccountId account) const {
  std::map<NodeId, policy::Stranger> out;
  const auto put = [&](NodeId node) -> policy::Stranger* {
    const auto alias = registry_.alias(account, node);
    if (!alias || registry_.find(node) == nullptr) return nullptr;
    return &out.try_emplace(node, policy::Stranger{node, *alias, {}, false}).first->second;
  };
  for (const Share* share : shares_to(account)) {
    if (policy::Stranger* device = put(share->device)) device->may_carry = share->allow_exit_node;
  }
  for (const auto& [device, shares] : by_device_) {
    const Node* ours = registry_.find(device);
    if (ours == nullptr || ours->account() != account) continue;
    for (const auto& [guests, share] : shares) {
      for (const NodeId id : registry_.nodes_of(guests)) {
        policy::Stranger* guest = put(id);
        if (guest == nullptr) continue;
        const nodes::NodeRecord& record = registry_.find(id)->record;
        guest->guest_of = record.tags.empty() ? record.user : share.accepted_by;
      }
    }
  }
  std::vector<policy::Stranger> list;
  for (const auto& [node, stranger] : out) list.push_back(stranger);
  return list;
}

// --- invitations

const DeviceInvite* Sharing::invite(InviteId id) const {
  const auto at = invites_.find(id);
  return at == invites_.end() ? nullptr : &at->second;
}

std::vector<const DeviceInvite*> Sharing::invites_for(NodeId device) const {
  std::vector<const DeviceInvite*> out;
  for (const auto& [id, invite] : invites_) {
    if (invite.device == device) out.push_back(&invite);
  }
  return out;
}

std::vector<const DeviceInvite*> Sharing::invites_of(AccountId account) const {
  std::vector<const DeviceInvite*> out;
  for (const auto& [id, invite] : invites_) {
    if (invite.account == account) out.push_back(&invite);
  }
  return out;
}

Offer Sharing::offer(std::string_view pasted, AccountId to, WallTime now) const {
  using Obstacle = Offer::Obstacle;
  const auto code = enroll::code_in(pasted);
  const auto known = code ? by_code_.find(*code) : by_code_.end();
  if (known == by_code_.end()) return {};
  const DeviceInvite& invite = invites_.at(known->second);
  const Node* device = registry_.find(invite.device);
  if (device == nullptr) return {};
  const auto with = [&](Obstacle obstacle) { return Offer{obstacle, &invite, device}; };
  if (device->account() == to) return with(Obstacle::OwnDevice);
  if (share_of(*device, to) != nullptr) return with(Obstacle::HaveIt);
  if (invite.expires <= now || is_used_up(invite)) return with(Obstacle::Over);
  return with(Obstacle::None);
}

std::string Sharing::code_of(const DeviceInvite& invite) const {
  return enroll::invite_code(secret_, invite.nonce);
}

std::vector<const Share*> Sharing::acceptances(InviteId id) const {
  std::vector<const Share*> out;
  const DeviceInvite* of = invite(id);
  if (of == nullptr) return out;
  out = shares_of(of->device);
  std::erase_if(out, [&](const Share* share) { return share->invite != id; });
  return out;
}

bool Sharing::is_used_up(const DeviceInvite& invite) const {
  const auto used = static_cast<std::int64_t>(acceptances(invite.id).size());
  return used >= (invite.multi_use ? store::SharingStore::kMostAcceptances : 1);
}

Stored<std::vector<const DeviceInvite*>> Sharing::create(
    std::vector<DeviceInvite> invites, const std::vector<AuditEntry>& audit) {
  for (DeviceInvite& invite : invites) invite.nonce = rng_.array<32>();
  auto created = storage_.create_device_invites(std::move(invites), audit);
  if (!created) return created.error();
  std::vector<const DeviceInvite*> out;
  for (const DeviceInvite& invite : *created) {
    out.push_back(&invites_.emplace(invite.id, invite).first->second);
    by_code_.emplace(code_of(invite), invite.id);
  }
  return out;
}

AuditEntry Sharing::entry_about(
    const Node& device, AccountId in_log_of, AuditEntry entry, std::string details) const {
  entry.account = in_log_of;
  entry.target_type = "INVITE";
  entry.target_id = device.record.stable_id;
  entry.target_name = registry_.full_name(device);
  entry.property = "SHARE";
  entry.details = std::move(details);
  return entry;
}

Stored<void> Sharing::accept(
    const Offer& offer, const store::User& by, AuditEntry entry, WallTime now) {
  const Share share{
      offer.invite->id, offer.device->id(), by.account, by.id, offer.invite->allow_exit_node, now};
  const std::vector<AuditEntry> audit = {
      entry_about(*offer.device, offer.device->account(), entry, ""),
      entry_about(*offer.device, by.account, entry, "")};
  if (auto stored = storage_.accept_device_invite(share, audit); !stored) return stored;
  insert(share);
  note_change(share);
  return {};
}

Stored<void> Sharing::note_mailed(InviteId invite, WallTime when) {
  const auto found = invites_.find(invite);
  if (found == invites_.end()) return {};  // taken back meanwhile
  if (auto noted = storage_.note_device_invite_mailed(invite, when); !noted) return noted;
  found->second.mailed = when;
  return {};
}

Stored<void> Sharing::withdraw(InviteId id, const std::vector<AuditEntry>& audit) {
  if (auto stored = storage_.delete_device_invite(id, audit); !stored) return stored;
  const auto accepted = acceptances(id);
  std::vector<Share> ended;
  for (const Share* share : accepted) ended.push_back(*share);
  for (const Share& share : ended) {
    erase(share);
    note_change(share);
  }
  by_code_.erase(code_of(invites_.at(id)));
  invites_.erase(id);
  return {};
}

Stored<void> Sharing::leave(const Share& share, const std::vector<AuditEntry>& audit) {
  const Share left = share;  // it is ours, and goes
  if (auto stored = storage_.leave_share(left, audit); !stored) return stored;
  erase(left);
  note_change(left);
  return {};
}

void Sharing::insert(const Share& share) {
  by_device_[share.device].insert_or_assign(share.account, share);
  by_account_[share.account].insert(share.device);
  shares_changed_ = true;
}

void Sharing::erase(const Share& share) {
  const auto device = by_device_.find(share.device);
  if (device != by_device_.end()) {
    device->second.erase(share.account);
    if (device->second.empty()) by_device_.erase(device);
  }
  const auto account = by_account_.find(share.account);
  if (account != by_account_.end()) {
    account->second.erase(share.device);
    if (account->second.empty()) by_account_.erase(account);
  }
  shares_changed_ = true;
}

void Sharing::note_change(const Share& share) {
  const Version version = registry_.note_change();
  changed_[share.account] = version;
  if (const DeviceInvite* of = invite(share.invite)) changed_[of->account] = version;
}

// --- keeping up

// The store has let go of them together with the machine, or with who invited or accepted.
void Sharing::forget_removed() {
  std::vector<Share> gone;
  for (const auto& [device, shares] : by_device_) {
    for (const auto& [account, share] : shares) {
      const DeviceInvite* from = invite(share.invite);
      const bool holds = registry_.find(device) != nullptr && from != nullptr &&
                         registry_.user(from->sharer) != nullptr &&
                         registry_.user(share.accepted_by) != nullptr;
      if (!holds) gone.push_back(share);
    }
  }
  for (const Share& share : gone) {
    erase(share);
    note_change(share);
  }
  std::erase_if(invites_, [&](const auto& entry) {
    const DeviceInvite& invite = entry.second;
    if (registry_.find(invite.device) != nullptr && registry_.user(invite.sharer) != nullptr) {
      return false;
    }
    by_code_.erase(code_of(invite));
    return true;
  });
}

std::set<std::pair<AccountId, NodeId>> Sharing::needed_aliases() const {
  std::set<std::pair<AccountId, NodeId>> needed;
  for (const auto& [device, shares] : by_device_) {
    const AccountId home = registry_.find(device)->account();
    for (const auto& [account, share] : shares) {
      needed.emplace(account, device);
      for (const NodeId guest : registry_.nodes_of(account)) needed.emplace(home, guest);
    }
  }
  return needed;
}

Result<IpAddress, std::string> Sharing::address_for(
    AccountId account, const Node& node, const std::set<IpAddress>& given, WallTime now) {
  const IpAddress& own = node.record.ipv4;
  const auto reserved = storage_.reservations(account, now);
  if (!reserved) return reserved.error().to_text();
  const bool kept = std::ranges::find(*reserved, own, &store::Reservation::ipv4) != reserved->end();
  const auto former = registry_.quarantined_for(account, own, now);
  const bool rests = former && *former != node.id();
  if (!registry_.is_taken(account, own) && !given.contains(own) && !kept && !rests) return own;
  for (;;) {
    auto free = addresses_.ipv4_in(account, now);
    if (!free || !given.contains(*free)) return free;
  }
}

Result<void, std::string> Sharing::keep_up(WallTime now) {
  if (!shares_changed_ && kept_up_ == registry_.members_changed()) return {};
  const Version members = registry_.members_changed();
  forget_removed();
  const auto needed = needed_aliases();
  std::vector<store::Alias> begin, end;
  for (const auto& [account, record] : registry_.accounts()) {
    for (const auto& [node, ipv4] : registry_.aliases_in(account)) {
      if (!needed.contains({account, node})) end.push_back({account, node, ipv4});
    }
  }
  std::map<AccountId, std::set<IpAddress>> given;
  for (const auto& [account, node] : needed) {
    if (registry_.alias(account, node)) continue;
    auto address = address_for(account, *registry_.find(node), given[account], now);
    if (!address) return address.error();
    given[account].insert(*address);
    begin.push_back({account, node, *address});
  }
  if (!begin.empty() || !end.empty()) {
    if (auto changed = registry_.change_aliases(begin, end, now); !changed) {
      return changed.error().to_text();
    }
    const Version version = registry_.note_change();
    for (const auto& list : {begin, end}) {
      for (const store::Alias& alias : list) {
        changed_[alias.account] = version;
        if (const Node* node = registry_.find(alias.node)) changed_[node->account()] = version;
      }
    }
  }
  kept_up_ = members;
  shares_changed_ = false;
  return {};
}

}  // namespace aya::sharing
