// The registry: every account, user and node in memory, as maps are built from it, in step with the
// store. Asking never touches the disk. Changing goes to the store first and to memory only when
// the store has it, except for the live part of nodes (endpoints, host info, relay), which is saved
// in bulk by flush().
//
// It also remembers what changed when, which is all that map streams need to know: each node
// carries, for each facet, the version in which that facet last changed, and changes_since() walks
// only what is newer than a version. A stream keeps one number, not a queue.
//
// One thread. References to nodes stay valid until that node is removed.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "coord-server/nodes/routes.h"
#include "coord-server/nodes/services.h"
#include "coord-server/nodes/tags.h"
#include "coord-server/store/store.h"

namespace aya::nodes {

using store::AccountId;
using store::AuditEntry;
using store::AuthKeyId;
using store::NodeId;
using store::NodeRecord;
using store::Stored;
using store::UserId;

// What can change by itself. Small facets travel as patches, the first three as whole nodes (6.6).
// Routes are those that others are told of.
enum class Facet : std::size_t { Identity, Routes, Hostinfo, Endpoints, Home, Disco, Online };
inline constexpr std::size_t kFacets = 7;

using Version = std::uint64_t;

// Which machine it is, as its daemon reads it from the firmware.
struct HardwareIdentity {
  bool disabled = false;  // its owner does not want to tell
  std::vector<std::string> serial_numbers, hardware_addresses;
  friend bool operator==(const HardwareIdentity&, const HardwareIdentity&) = default;
};

struct Node {
  NodeRecord record;
  bool online = false;
  // What its daemon complains about, by the part of it that does; gone with the next start here.
  std::map<std::string, std::string> health{};
  std::optional<HardwareIdentity> hardware{};  // nullopt: not asked, or it has not answered
  bool present = false;          // can carry traffic for others
  std::vector<Prefix> routes{};  // those that count: effective_routes()
  Hosting hosting{};                  // services it offers, or about which somebody has decided
  std::vector<std::string> hosted{};  // those it answers for, sorted
  std::array<Version, kFacets> changed{};
  Version last_change = 0;

  NodeId id() const { return record.id; }
  AccountId account() const { return record.account; }
  bool changed_since(Facet facet, Version version) const {
    return changed[static_cast<std::size_t>(facet)] > version;
  }
  // Of plain WireGuard devices others are told that they are online; they do not come here.
  bool connected() const { return online && !record.wireguard; }
  bool key_expired(WallTime now) const { return record.key_expiry && *record.key_expiry <= now; }
};

class Registry {
 public:
  // Reads everything; `storage` outlives the registry.
  static Stored<std::unique_ptr<Registry>> load(store::Store& storage, WallTime now);

  // Accounts and users.
  const store::Account* account(AccountId id) const;
  const store::Account* account_named(std::string_view name) const;  // or numbered; any case
  const std::map<AccountId, store::Account>& accounts() const { return accounts_; }
  const store::User* user(UserId id) const;
  const store::User* user_named(AccountId account, std::string_view login) const;
  std::vector<const store::User*> users_of(AccountId account) const;
  Stored<store::Account> create_account(store::Account account);
  Stored<void> set_dns(AccountId id, const control::DnsConfig& dns, const AuditEntry& audit);
  Stored<void> set_settings(
      AccountId id, const store::AccountSettings& settings, const AuditEntry& audit);
  Stored<void> set_contact(
      AccountId id, store::ContactKind kind, const std::string& email, const AuditEntry& audit);
  // Since when the names that nodes are told besides their own are what they are.
  Version dns_changed(AccountId account) const;
  // Empty: the policy accounts begin with.
  Stored<store::PolicyVersion> set_policy(store::PolicyVersion policy, const AuditEntry& audit);
  Version policy_changed(AccountId account) const;
  // Of an account without nodes.
  Stored<void> remove_account(AccountId id, const AuditEntry& audit);
  Stored<store::User> create_user(
      store::User user, AuditEntry audit, const store::FirstLogin& how = {});
  // Others see the nodes of this user anew: the name may be another, or access may have ended.
  Stored<void> update_user(const store::User& user, const AuditEntry& audit);
  Stored<void> delete_user(UserId id, const AuditEntry& audit);  // without nodes

  // Nodes.
  const Node* find(NodeId id) const;
  const Node* find(const NodePublicKey& key) const;  // that comes here with it
  // A plain WireGuard device, which does not.
  const Node* find_wireguard(AccountId account, const NodePublicKey& key) const;
  const Node* find(AccountId account, const MachinePublicKey& machine) const;
  const Node* find_label(AccountId account, std::string_view label) const;
  // The node with this address, or that still answers there.
  const Node* find_address(AccountId account, const IpAddress& address) const;
  const Node* find_stable_id(std::string_view stable_id) const;
  const std::set<NodeId>& nodes_of(AccountId account) const;
  // Any family; IPv6 addresses are unique over all accounts. Former ones that still answer count,
  // and those of services.
  bool is_taken(AccountId account, const IpAddress& address) const;
  std::size_t size() const { return nodes_.size(); }
  // "alpha.default.ayatori.internal", without a trailing dot.
  std::string full_name(const Node& node) const;

  // Networks behind nodes that count (routes.h), with the node that carries each; and since when
  // that list of networks is what it is.
  const Primaries& subnets(AccountId account) const;
  Version subnets_changed(AccountId account) const;

  // The former holder of an address that may not be given out again yet.
  std::optional<NodeId> quarantined_for(
      AccountId account, const IpAddress& address, WallTime now) const;

  // Stored, then in memory. `admit` fills in the id.
  Stored<const Node*> admit(NodeRecord node, std::optional<AuthKeyId> redeemed, AuditEntry audit);
  // The record as it shall be; its addresses are those it has.
  Stored<void> update(
      const NodeRecord& node, std::optional<AuthKeyId> redeemed = {},
      const std::optional<AuditEntry>& audit = {});
  // An absent attribute is taken away.
  Stored<void> set_attributes(
      NodeId id, const std::map<std::string, std::optional<store::NodeAttribute>>& changes,
      const AuditEntry& audit);
  // An attribute whose time is over, oldest first, for set_attributes() to take away.
  struct OverdueAttribute {
    NodeId node;
    std::string name;
  };
  std::optional<OverdueAttribute> overdue_attribute(WallTime now) const;
  std::optional<WallTime> next_attribute_end() const;
  Stored<void> remove(NodeId id, WallTime now, const AuditEntry& audit);

  // A line in the audit log about something that changes nothing here.
  Stored<void> note(const AuditEntry& audit) { return storage_.add_audit_entry(audit); }

  // Addresses (registry_addresses.cpp).
  Stored<void> change_addresses(
      const store::AddressChange& change, const std::vector<AuditEntry>& audit);
  // Where a node answers though its time there is over, oldest first.
  struct Overdue {
    NodeId node;
    IpAddress former;
  };
  std::optional<Overdue> overdue_former(WallTime now) const;
  Stored<void> end_former(const Overdue& overdue, WallTime now, const AuditEntry& audit);
  std::optional<WallTime> next_former_end() const;

  // How an account calls a node of another one, where they know each other (registry_aliases.cpp).
  std::optional<IpAddress> alias(AccountId account, NodeId node) const;
  const std::map<NodeId, IpAddress>& aliases_in(AccountId account) const;
  Stored<void> change_aliases(
      const std::vector<store::Alias>& begin, const std::vector<store::Alias>& end, WallTime now);

  // Services (registry_services.cpp). Their hosts are seen by Facet::Routes, as routers are.
  using Services = std::map<std::string, Service, std::less<>>;
  const Services& services(AccountId account) const;
  const Service* find_service(AccountId account, std::string_view name) const;
  const Service* service_at(AccountId account, const IpAddress& address) const;
  // Is a service called "svc:" and this?
  bool is_service_label(AccountId account, std::string_view label) const;
  // Since when the services, not who answers for them, are what they are.
  Version services_changed(AccountId account) const;
  // Replaces one of that name.
  Stored<void> put_service(
      const store::Service& service, WallTime now, const AuditEntry& audit);
  Stored<void> remove_service(
      AccountId account, std::string_view name, WallTime now, const AuditEntry& audit);
  // All that the node would answer for.
  Stored<void> set_offers(NodeId node, const std::set<std::string>& services);
  Stored<void> approve_host(
      NodeId node, const std::string& service, store::HostApproval approval,
      const AuditEntry& audit);

  // Since when the sets of nodes and people, of all accounts, are what they are.
  Version members_changed() const { return members_changed_; }
  // Since when every node has the addresses it has.
  Version addresses_changed() const { return addresses_changed_; }
  // Something outside of nodes changed that maps speak of: the version it happened in.
  Version note_change() { return ++version_; }

  // In memory at once, on disk with the next flush().
  void set_live(NodeId id, store::NodeLive live);
  void set_online(NodeId id, bool online, WallTime now);
  void set_hardware(NodeId id, std::optional<HardwareIdentity> identity);
  // An empty complaint takes the last one of that part back. What is too much is cut off.
  void set_health(NodeId id, std::string part, std::string complaint);
  // Can it carry traffic? Moves routes to another node where there is one. After load() everyone
  // is thought to.
  void set_present(NodeId id, bool present);
  Stored<void> flush();
  bool has_unsaved() const { return !unsaved_.empty() || !unsaved_carriers_.empty(); }

  // Notices keys that have expired since the last call: others must learn of it (9.4).
  void note_expiries(WallTime now);
  std::optional<WallTime> next_expiry() const;

  // Versions. Every change of a node gets a greater one.
  Version version() const { return version_; }
  struct Changes {
    std::vector<const Node*> changed;
    std::vector<NodeId> removed;
    // Removals older than the log remembers: start over with a whole picture.
    bool complete = true;
  };
  Changes changes_since(AccountId account, Version version) const;
  // Nodes removed since the last call, for whoever must forget them too.
  std::vector<NodeRecord> take_removed() { return std::exchange(fresh_removals_, {}); }
  // The last record of a node that was removed not long ago.
  const NodeRecord* removed_record(NodeId id) const;

  static constexpr std::size_t kMostComplaints = 16;
  static constexpr std::size_t kLongestComplaint = 500;
  static constexpr auto kQuarantine = std::chrono::hours(24);
  static constexpr std::size_t kRememberedRemovals = 256;

 private:
  struct Removed {
    Version version;
    NodeRecord record;
  };
  struct AccountIndex {
    std::set<NodeId> nodes;
    std::map<MachinePublicKey, NodeId> by_machine;
    std::map<std::string, NodeId, std::less<>> by_label;
    std::unordered_map<IpAddress, NodeId> by_v4;
    std::map<Version, NodeId> by_change;  // each node once, under its last change
    std::deque<Removed> removed;          // oldest first
    Version forgotten_removals = 0;       // up to here `removed` is not complete
    std::unordered_map<IpAddress, store::Quarantine> quarantine;
    std::set<NodeId> wireguard;  // plain devices
    std::set<NodeId> routers;    // with routes that count
    Primaries primaries;
    Version subnets_changed = 0;
    Version dns_changed = 0;
    Version policy_changed = 0;
    std::map<NodeId, IpAddress> aliases;  // of nodes of other accounts
    std::unordered_map<IpAddress, NodeId> by_alias;
    bool has_aliases = false;  // names that stand for nodes, whose addresses may change
    Services services;
    std::set<NodeId> hosts;  // of services
    Version services_changed = 0;
  };

  explicit Registry(store::Store& storage) : storage_(storage) {}
  Node& insert(NodeRecord record);
  void index(const Node& node);
  void unindex(const Node& node);
  void begin_alias(const store::Alias& alias);
  void keep_quiet(AccountId account, const IpAddress& address, NodeId former, WallTime until);
  void touch(Node& node, std::initializer_list<Facet> facets);
  void touch_live(Node& node, const store::NodeLive& before);
  bool may_route(const Node& node) const;
  void note_aliases(AccountId account);
  void restore_routes();
  void note_routes(Node& node);
  void elect(AccountIndex& account);
  void tell_primaries(AccountIndex& account, const Primaries& before);
  Stored<void> load_services();
  void restore_hosting();
  std::vector<std::string> hosted_by(const Node& node) const;
  void note_hosting(Node& node);
  void note_service(AccountId account, const std::string& name);
  void elect_carriers(AccountId account);
  Stored<void> save_carriers();
  const AccountIndex* index_of(AccountId account) const;

  store::Store& storage_;
  Version version_ = 1;
  Version members_changed_ = 1;
  Version addresses_changed_ = 0;  // as read from the store, they are nobody's edit
  std::map<AccountId, store::Account> accounts_;
  std::map<UserId, store::User> users_;
  std::map<NodeId, Node> nodes_;
  std::map<AccountId, AccountIndex> indexes_;
  std::unordered_map<NodePublicKey, NodeId> by_key_;
  std::map<std::string, NodeId, std::less<>> by_stable_id_;
  std::unordered_map<IpAddress, NodeId> by_v6_;
  std::set<std::pair<WallTime, NodeId>> expiries_;  // still to come
  std::set<std::tuple<WallTime, NodeId, IpAddress>> former_ends_;
  std::set<std::tuple<WallTime, NodeId, std::string>> attribute_ends_;
  std::set<NodeId> unsaved_;
  std::set<std::pair<AccountId, std::string>> unsaved_carriers_;
  std::vector<NodeRecord> fresh_removals_;
};

}  // namespace aya::nodes
