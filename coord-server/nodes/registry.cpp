#include "coord-server/nodes/registry.h"

#include <algorithm>

#include "coord-server/nodes/address_rules.h"
#include "proto/base/parse_number.h"
#include "proto/http/headers.h"

namespace aya::nodes {
namespace {

template <class Map, class Key>
auto* find_in(Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

bool same_identity(const NodeRecord& a, const NodeRecord& b) {
  return a.user == b.user && a.node_key == b.node_key && a.label == b.label && a.ipv4 == b.ipv4 &&
         a.ipv6 == b.ipv6 && a.ephemeral == b.ephemeral && a.authorized == b.authorized &&
         a.key_expiry == b.key_expiry && a.answers_subdomains == b.answers_subdomains &&
         a.tags == b.tags && a.wireguard == b.wireguard;
}

// The state of the network changes all the time and is nobody's business but ours.
bool same_to_peers(control::Hostinfo a, control::Hostinfo b) {
  a.net_info.reset();
  b.net_info.reset();
  return a == b;
}

// Nodes list their endpoints in no fixed order, and how one was found is of no use to peers.
bool same_set(std::vector<store::KnownEndpoint> a, std::vector<store::KnownEndpoint> b) {
  std::ranges::sort(a, {}, &store::KnownEndpoint::at);
  std::ranges::sort(b, {}, &store::KnownEndpoint::at);
  return std::ranges::equal(a, b, {}, &store::KnownEndpoint::at, &store::KnownEndpoint::at);
}

}  // namespace

Stored<std::unique_ptr<Registry>> Registry::load(store::Store& storage, WallTime now) {
  std::unique_ptr<Registry> registry(new Registry(storage));
  auto accounts = storage.accounts();
  if (!accounts) return accounts.error();
  for (store::Account& account : *accounts) {
    const AccountId id = account.id;
    registry->indexes_[id];
    registry->accounts_.emplace(id, std::move(account));
    registry->note_aliases(id);
  }
  auto users = storage.users();
  if (!users) return users.error();
  for (store::User& user : *users) registry->users_.emplace(user.id, std::move(user));
  auto nodes = storage.nodes();
  if (!nodes) return nodes.error();
  for (NodeRecord& record : *nodes) registry->insert(std::move(record));
  auto quarantines = storage.quarantines(now);
  if (!quarantines) return quarantines.error();
  for (const store::Quarantine& kept : *quarantines) {
    registry->indexes_[kept.account].quarantine.emplace(kept.address, kept);
  }
  auto aliases = storage.aliases();
  if (!aliases) return aliases.error();
  for (const store::Alias& alias : *aliases) registry->begin_alias(alias);
  if (auto services = registry->load_services(); !services) return services.error();
  registry->restore_routes();
  registry->restore_hosting();
  registry->note_expiries(now);
  return registry;
}

// --- accounts and users ---

const store::Account* Registry::account(AccountId id) const { return find_in(accounts_, id); }

const store::Account* Registry::account_named(std::string_view name) const {
  const auto number = parse_number<std::int64_t>(name);
  for (const auto& [id, account] : accounts_) {
    if (http::equal_ignoring_case(account.name, name)) return &account;
    if (http::equal_ignoring_case(account.domain, name)) return &account;
    if (number == id.value) return &account;
  }
  return nullptr;
}

const store::User* Registry::user(UserId id) const { return find_in(users_, id); }

const store::User* Registry::user_named(AccountId account, std::string_view login) const {
  for (const auto& [id, user] : users_) {
    if (user.account == account && http::equal_ignoring_case(user.login, login)) return &user;
  }
  return nullptr;
}

std::vector<const store::User*> Registry::users_of(AccountId account) const {
  std::vector<const store::User*> out;
  for (const auto& [id, user] : users_) {
    if (user.account == account) out.push_back(&user);
  }
  return out;
}

Stored<store::Account> Registry::create_account(store::Account account) {
  auto created = storage_.create_account(std::move(account));
  if (!created) return created;
  indexes_[created->id];
  accounts_.emplace(created->id, *created);
  note_aliases(created->id);
  return created;
}

Stored<void> Registry::set_dns(
    AccountId id, const control::DnsConfig& dns, const AuditEntry& audit) {
  store::Account* account = find_in(accounts_, id);
  AYA_CHECK(account != nullptr);
  if (auto stored = storage_.update_dns(id, dns, audit); !stored) return stored;
  account->dns = dns;
  indexes_[id].dns_changed = ++version_;
  note_aliases(id);
  return {};
}

Stored<void> Registry::set_settings(
    AccountId id, const store::AccountSettings& settings, const AuditEntry& audit) {
  store::Account* account = find_in(accounts_, id);
  AYA_CHECK(account != nullptr);
  if (auto stored = storage_.update_settings(id, settings, audit); !stored) return stored;
  // Nodes are told whether to count their traffic.
  if (account->settings.flow_logging != settings.flow_logging) ++version_;
  account->settings = settings;
  return {};
}

Stored<void> Registry::set_contact(
    AccountId id, store::ContactKind kind, const std::string& email, const AuditEntry& audit) {
  store::Account* account = find_in(accounts_, id);
  AYA_CHECK(account != nullptr);
  if (auto stored = storage_.set_contact(id, kind, email, audit); !stored) return stored;
  account->contacts[static_cast<std::size_t>(kind)] = email;
  return {};
}

Stored<store::PolicyVersion> Registry::set_policy(
    store::PolicyVersion policy, const AuditEntry& audit) {
  auto stored = storage_.set_policy(std::move(policy), audit);
  if (!stored) return stored;
  accounts_.at(stored->account).policy = stored->text;
  indexes_[stored->account].policy_changed = ++version_;
  return stored;
}

Version Registry::policy_changed(AccountId account) const {
  const AccountIndex* index = index_of(account);
  return index == nullptr ? 0 : index->policy_changed;
}

void Registry::note_aliases(AccountId id) {
  indexes_[id].has_aliases = std::ranges::any_of(
      accounts_.at(id).dns.extra_records,
      [](const control::DnsRecord& record) { return record.type == "CNAME"; });
}

Version Registry::dns_changed(AccountId account) const {
  const AccountIndex* index = index_of(account);
  return index == nullptr ? 0 : index->dns_changed;
}

Stored<void> Registry::remove_account(AccountId id, const AuditEntry& audit) {
  AYA_CHECK(nodes_of(id).empty());
  if (auto removed = storage_.remove_account(id, audit); !removed) return removed;
  std::erase_if(users_, [&](const auto& user) { return user.second.account == id; });
  members_changed_ = ++version_;
  indexes_.erase(id);
  accounts_.erase(id);
  return {};
}

Stored<store::User> Registry::create_user(
    store::User user, AuditEntry audit, const store::FirstLogin& how) {
  auto created = storage_.create_user(std::move(user), std::move(audit), how);
  if (created) users_.emplace(created->id, *created);
  return created;
}

Stored<void> Registry::update_user(const store::User& user, const AuditEntry& audit) {
  store::User* known = find_in(users_, user.id);
  AYA_CHECK(known != nullptr && known->account == user.account);
  if (auto stored = storage_.update_user(user, audit); !stored) return stored;
  *known = user;
  for (const NodeId id : nodes_of(user.account)) {
    Node& node = nodes_.at(id);
    if (node.record.user == user.id) touch(node, {Facet::Identity});
  }
  return {};
}

Stored<void> Registry::delete_user(UserId id, const AuditEntry& audit) {
  if (auto deleted = storage_.delete_user(id, audit); !deleted) return deleted;
  users_.erase(id);
  members_changed_ = ++version_;
  return {};
}

// --- asking about nodes ---

const Registry::AccountIndex* Registry::index_of(AccountId account) const {
  return find_in(indexes_, account);
}

const Node* Registry::find(NodeId id) const { return find_in(nodes_, id); }

const Node* Registry::find(const NodePublicKey& key) const {
  const NodeId* id = find_in(by_key_, key);
  return id == nullptr ? nullptr : find(*id);
}

const Node* Registry::find(AccountId account, const MachinePublicKey& machine) const {
  const AccountIndex* index = index_of(account);
  const NodeId* id = index == nullptr ? nullptr : find_in(index->by_machine, machine);
  return id == nullptr ? nullptr : find(*id);
}

const Node* Registry::find_label(AccountId account, std::string_view label) const {
  const AccountIndex* index = index_of(account);
  const NodeId* id = index == nullptr ? nullptr : find_in(index->by_label, label);
  return id == nullptr ? nullptr : find(*id);
}

const Node* Registry::find_stable_id(std::string_view stable_id) const {
  const NodeId* id = find_in(by_stable_id_, stable_id);
  return id == nullptr ? nullptr : find(*id);
}

const std::set<NodeId>& Registry::nodes_of(AccountId account) const {
  static const std::set<NodeId> kNone;
  const AccountIndex* index = index_of(account);
  return index == nullptr ? kNone : index->nodes;
}

const Node* Registry::find_wireguard(AccountId account, const NodePublicKey& key) const {
  const AccountIndex* index = index_of(account);
  if (index == nullptr) return nullptr;
  for (const NodeId id : index->wireguard) {
    if (find(id)->record.wireguard->key == key) return find(id);
  }
  return nullptr;
}

std::string Registry::full_name(const Node& node) const {
  const store::Account* owner = account(node.account());
  AYA_CHECK(owner != nullptr);
  return node.record.label + '.' + owner->domain;
}

const Primaries& Registry::subnets(AccountId account) const {
  static const Primaries kNone;
  const AccountIndex* index = index_of(account);
  return index == nullptr ? kNone : index->primaries;
}

Version Registry::subnets_changed(AccountId account) const {
  const AccountIndex* index = index_of(account);
  return index == nullptr ? 0 : index->subnets_changed;
}

// --- changing nodes ---

Node& Registry::insert(NodeRecord record) {
  const NodeId id = record.id;
  Node& node = nodes_.emplace(id, Node{std::move(record)}).first->second;
  // Nobody hears from a plain WireGuard device here: it is thought to be there.
  node.online = node.present = node.record.wireguard.has_value();
  index(node);
  touch(node, {Facet::Identity});
  members_changed_ = version_;
  return node;
}

void Registry::index(const Node& node) {
  const NodeRecord& r = node.record;
  AccountIndex& account = indexes_[r.account];
  account.nodes.insert(r.id);
  account.by_machine.emplace(r.machine, r.id);
  account.by_label.emplace(r.label, r.id);
  account.by_v4.emplace(r.ipv4, r.id);
  by_v6_.emplace(r.ipv6, r.id);
  for (const store::FormerAddress& former : r.former) {
    (former.address.is_v4() ? account.by_v4 : by_v6_).emplace(former.address, r.id);
    former_ends_.emplace(former.until, r.id, former.address);
  }
  for (const auto& [name, attribute] : r.attributes) {
    if (attribute.expiry) attribute_ends_.emplace(*attribute.expiry, r.id, name);
  }
  if (r.wireguard) account.wireguard.insert(r.id);
  by_key_.emplace(r.node_key, r.id);
  by_stable_id_.emplace(r.stable_id, r.id);
  if (r.key_expiry) expiries_.emplace(*r.key_expiry, r.id);
}

void Registry::unindex(const Node& node) {
  const NodeRecord& r = node.record;
  AccountIndex& account = indexes_[r.account];
  account.nodes.erase(r.id);
  account.by_machine.erase(r.machine);
  account.by_label.erase(r.label);
  account.by_v4.erase(r.ipv4);
  by_v6_.erase(r.ipv6);
  for (const store::FormerAddress& former : r.former) {
    (former.address.is_v4() ? account.by_v4 : by_v6_).erase(former.address);
    former_ends_.erase({former.until, r.id, former.address});
  }
  for (const auto& [name, attribute] : r.attributes) {
    if (attribute.expiry) attribute_ends_.erase({*attribute.expiry, r.id, name});
  }
  account.wireguard.erase(r.id);
  by_key_.erase(r.node_key);
  by_stable_id_.erase(r.stable_id);
  if (r.key_expiry) expiries_.erase({*r.key_expiry, r.id});
}

void Registry::touch(Node& node, std::initializer_list<Facet> facets) {
  AccountIndex& account = indexes_[node.account()];
  account.by_change.erase(node.last_change);
  node.last_change = ++version_;
  account.by_change.emplace(node.last_change, node.id());
  for (const Facet facet : facets) {
    node.changed[static_cast<std::size_t>(facet)] = version_;
    if (facet == Facet::Identity && account.has_aliases) account.dns_changed = version_;
  }
}

void Registry::touch_live(Node& node, const store::NodeLive& before) {
  const store::NodeLive& now = node.record.live;
  if (before.capver != now.capver || !same_to_peers(before.hostinfo, now.hostinfo)) {
    touch(node, {Facet::Hostinfo});
  }
  if (!same_set(before.endpoints, now.endpoints)) touch(node, {Facet::Endpoints});
  if (before.home_region != now.home_region) touch(node, {Facet::Home});
  if (before.disco_key != now.disco_key) touch(node, {Facet::Disco});
}

Stored<const Node*> Registry::admit(
    NodeRecord record, std::optional<AuthKeyId> redeemed, AuditEntry audit) {
  auto created = storage_.create_node(std::move(record), redeemed, std::move(audit));
  if (!created) return created.error();
  Node& node = insert(std::move(*created));
  note_routes(node);
  return &node;
}

Stored<void> Registry::update(
    const NodeRecord& record, std::optional<AuthKeyId> redeemed,
    const std::optional<AuditEntry>& audit) {
  Node* node = find_in(nodes_, record.id);
  AYA_CHECK(node != nullptr && node->record.account == record.account);
  if (auto stored = storage_.update_node(record, redeemed, audit); !stored) return stored;
  const NodeRecord before = node->record;
  unindex(*node);
  node->record = record;
  index(*node);
  unsaved_.erase(record.id);
  if (!same_identity(before, record)) touch(*node, {Facet::Identity});
  touch_live(*node, before.live);
  note_routes(*node);
  return {};
}

// Policies ask for them: to peers the node is another one now.
Stored<void> Registry::set_attributes(
    NodeId id, const std::map<std::string, std::optional<store::NodeAttribute>>& changes,
    const AuditEntry& audit) {
  Node* node = find_in(nodes_, id);
  AYA_CHECK(node != nullptr);
  if (auto stored = storage_.set_attributes(id, changes, audit); !stored) return stored;
  unindex(*node);
  for (const auto& [name, attribute] : changes) {
    if (attribute) {
      node->record.attributes.insert_or_assign(name, *attribute);
    } else {
      node->record.attributes.erase(name);
    }
  }
  index(*node);
  touch(*node, {Facet::Identity});
  return {};
}

std::optional<Registry::OverdueAttribute> Registry::overdue_attribute(WallTime now) const {
  if (attribute_ends_.empty()) return std::nullopt;
  const auto& [end, node, name] = *attribute_ends_.begin();
  if (end > now) return std::nullopt;
  return OverdueAttribute{node, name};
}

std::optional<WallTime> Registry::next_attribute_end() const {
  if (attribute_ends_.empty()) return std::nullopt;
  return std::get<WallTime>(*attribute_ends_.begin());
}

Stored<void> Registry::remove(NodeId id, WallTime now, const AuditEntry& audit) {
  Node* node = find_in(nodes_, id);
  AYA_CHECK(node != nullptr);
  const WallTime free_again = now + kQuarantine;
  if (auto stored = storage_.delete_node(id, free_again, audit); !stored) return stored;
  AccountIndex& account = indexes_[node->account()];
  for (const IpAddress& left : all_addresses(node->record)) {
    keep_quiet(node->account(), left, id, free_again);
  }
  for (const NodeId device : account.wireguard) {
    if (device == id || nodes_.at(device).record.wireguard->clients.erase(id) == 0) continue;
    touch(nodes_.at(device), {Facet::Identity});
  }
  unindex(*node);
  account.by_change.erase(node->last_change);
  fresh_removals_.push_back(node->record);
  account.removed.push_back({++version_, std::move(node->record)});
  if (account.removed.size() > kRememberedRemovals) {
    account.forgotten_removals = account.removed.front().version;
    account.removed.pop_front();
  }
  members_changed_ = version_;
  unsaved_.erase(id);
  const AccountId home = fresh_removals_.back().account;
  nodes_.erase(id);
  if (account.routers.erase(id) > 0) elect(account);
  if (account.hosts.erase(id) > 0) elect_carriers(home);
  if (account.has_aliases) account.dns_changed = ++version_;
  return {};
}

void Registry::set_live(NodeId id, store::NodeLive live) {
  Node* node = find_in(nodes_, id);
  AYA_CHECK(node != nullptr);
  const store::NodeLive before = std::exchange(node->record.live, std::move(live));
  touch_live(*node, before);
  note_routes(*node);
  unsaved_.insert(id);
}

void Registry::set_online(NodeId id, bool online, WallTime now) {
  Node* node = find_in(nodes_, id);
  AYA_CHECK(node != nullptr);
  if (node->online == online) return;
  node->online = online;
  node->record.live.last_seen = now;
  touch(*node, {Facet::Online});
  unsaved_.insert(id);
}

Stored<void> Registry::flush() {
  if (auto saved = save_carriers(); !saved) return saved;
  if (unsaved_.empty()) return {};
  std::vector<std::pair<NodeId, const store::NodeLive*>> batch;
  for (const NodeId id : unsaved_) batch.emplace_back(id, &nodes_.at(id).record.live);
  if (auto saved = storage_.save_live(batch); !saved) return saved;
  unsaved_.clear();
  return {};
}

void Registry::note_expiries(WallTime now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const NodeId id = expiries_.begin()->second;
    expiries_.erase(expiries_.begin());
    Node& node = nodes_.at(id);
    touch(node, {Facet::Identity});
    note_routes(node);
  }
}

std::optional<WallTime> Registry::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

// --- routes ---

// Nobody sends anything to a node whose key is over.
bool Registry::may_route(const Node& node) const {
  const auto& expiry = node.record.key_expiry;
  return !expiry || expiries_.contains({*expiry, node.id()});
}

// What was chosen before the restart stands: everyone is thought to be there until told otherwise.
void Registry::restore_routes() {
  for (auto& [id, node] : nodes_) {
    AccountIndex& account = indexes_[node.account()];
    node.present = true;
    node.routes = effective_routes(node.record);
    if (!effective_subnets(node.record).empty()) account.routers.insert(id);
    for (const Prefix& subnet : node.record.live.primary_routes) {
      account.primaries.emplace(subnet, id);
    }
  }
  for (auto& [id, account] : indexes_) elect(account);
}

void Registry::note_routes(Node& node) {
  note_hosting(node);
  auto routes = may_route(node) ? effective_routes(node.record) : std::vector<Prefix>();
  if (routes == node.routes) return;
  node.routes = std::move(routes);
  touch(node, {Facet::Routes});
  AccountIndex& account = indexes_[node.account()];
  if (std::ranges::all_of(node.routes, is_default_route)) {
    account.routers.erase(node.id());
  } else {
    account.routers.insert(node.id());
  }
  elect(account);
}

void Registry::elect(AccountIndex& account) {
  std::vector<Router> routers;
  for (const NodeId id : account.routers) {
    const Node& node = nodes_.at(id);
    Router& router = routers.emplace_back(Router{id, node.routes, node.present});
    std::erase_if(router.offers, is_default_route);
  }
  Primaries elected = nodes::elect(routers, account.primaries);
  if (elected == account.primaries) return;
  const Primaries before = std::exchange(account.primaries, std::move(elected));
  const bool same_subnets = std::ranges::equal(
      before, account.primaries, {}, &Primaries::value_type::first, &Primaries::value_type::first);
  if (!same_subnets) account.subnets_changed = ++version_;
  tell_primaries(account, before);
}

// Into the records of those who carry something now or did before.
void Registry::tell_primaries(AccountIndex& account, const Primaries& before) {
  std::map<NodeId, std::vector<Prefix>> carried;
  for (const auto& [subnet, id] : before) carried[id];
  for (const auto& [subnet, id] : account.primaries) carried[id].push_back(subnet);
  for (auto& [id, subnets] : carried) {
    Node* node = find_in(nodes_, id);
    if (node == nullptr || node->record.live.primary_routes == subnets) continue;
    node->record.live.primary_routes = std::move(subnets);
    touch(*node, {Facet::Routes});
    unsaved_.insert(id);
  }
}

void Registry::set_hardware(NodeId id, std::optional<HardwareIdentity> identity) {
  nodes_.at(id).hardware = std::move(identity);
}

void Registry::set_health(NodeId id, std::string part, std::string complaint) {
  auto& health = nodes_.at(id).health;
  constexpr std::size_t kLongestPart = 50;
  if (part.size() > kLongestPart) part.resize(kLongestPart);
  if (complaint.empty()) {
    health.erase(part);
    return;
  }
  if (complaint.size() > kLongestComplaint) complaint.resize(kLongestComplaint);
  if (health.size() >= kMostComplaints && !health.contains(part)) return;
  health.insert_or_assign(std::move(part), std::move(complaint));
}

void Registry::set_present(NodeId id, bool present) {
  Node* node = find_in(nodes_, id);
  AYA_CHECK(node != nullptr);
  if (std::exchange(node->present, present) == present) return;
  AccountIndex& account = indexes_[node->account()];
  if (account.routers.contains(id)) elect(account);
  if (account.hosts.contains(id)) elect_carriers(node->account());
}

// --- what changed ---

Registry::Changes Registry::changes_since(AccountId account, Version version) const {
  Changes out;
  const AccountIndex* index = index_of(account);
  if (index == nullptr) return out;
  out.complete = index->forgotten_removals <= version;
  for (auto at = index->by_change.upper_bound(version); at != index->by_change.end(); ++at) {
    out.changed.push_back(find(at->second));
  }
  for (auto at = index->removed.rbegin(); at != index->removed.rend(); ++at) {
    if (at->version <= version) break;
    out.removed.push_back(at->record.id);
  }
  return out;
}

const NodeRecord* Registry::removed_record(NodeId id) const {
  for (const auto& [account, index] : indexes_) {
    for (const Removed& removed : index.removed) {
      if (removed.record.id == id) return &removed.record;
    }
  }
  return nullptr;
}

}  // namespace aya::nodes
