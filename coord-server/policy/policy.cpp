#include "coord-server/policy/policy.h"

#include <algorithm>

#include "coord-server/nodes/posture.h"

namespace aya::policy {
namespace {

Person person_of(const store::User& user) { return {user.id, user.login, user.role, false}; }

// As far as it does not depend on what others do.
Device device_of(const nodes::NodeRecord& node) {
  Device out;
  out.runs_ssh = !node.live.hostinfo.ssh_host_keys.empty();
  out.id = node.id;
  out.owner = node.user;
  out.tags = node.tags;
  out.ipv4 = node.ipv4;
  out.ipv6 = node.ipv6;
  for (const store::FormerAddress& former : node.former) out.former.push_back(former.address);
  out.posture = nodes::posture_of(node);
  return out;
}

NamedService service_of(const store::Service& service) {
  return {service.name, service.tags, service.ipv4, service.ipv6};
}

Device device_of(const nodes::Registry& registry, const nodes::Node& node) {
  Device out = device_of(node.record);
  out.hosted = node.hosted;
  for (const std::string& name : node.hosted) {
    const nodes::Service* service = registry.find_service(node.account(), name);
    if (service != nullptr && service->carrier == node.id()) out.carries.push_back(name);
  }
  out.routes = node.routes;
  for (const Prefix& route : node.record.live.primary_routes) {
    if (std::ranges::count(node.routes, route) > 0) out.carried.push_back(route);
  }
  for (const Prefix& offered : node.record.live.hostinfo.routable_ips) {
    const bool counts = std::ranges::count(node.routes, offered) > 0;
    if (!counts && !nodes::is_default_route(offered)) out.withheld.push_back(offered);
  }
  out.present = node.present;
  return out;
}

// Tags and addresses of its own account mean nothing here.
Device device_of(const nodes::Node& node, const Stranger& stranger) {
  Device out = device_of(node.record);
  out.owner = stranger.guest_of;
  out.tags.clear();
  out.ipv4 = stranger.ipv4;
  out.former.clear();
  if (stranger.may_carry) {
    for (const Prefix& route : node.routes) {
      if (nodes::is_default_route(route)) out.routes.push_back(route);
    }
  }
  out.present = node.present;
  return out;
}

// Owners may be tags, whose owners then own this one, too.
template <class IsOwner>
bool owned_by(const PolicyFile& policy, std::string_view tag, IsOwner is_owner) {
  std::vector<std::string> open = {std::string(tag)};
  for (std::size_t i = 0; i < open.size(); ++i) {
    const auto found = policy.tag_owners.find(open[i]);
    if (found == policy.tag_owners.end()) continue;
    for (const Selector& owner : found->second) {
      if (is_owner(owner)) return true;
      if (std::ranges::count(open, owner.text) == 0) open.push_back(owner.text);
    }
  }
  return false;
}

// Only a file that somebody else wrote into the database can be unreadable: nothing is allowed
// rather than something nobody meant.
SharedPolicy policy_of(const nodes::Registry& registry, const store::Account& account) {
  const auto realm = realm_of(registry, account);
  auto policy = policy_file::read_policy(text_in_force(account), realm);
  if (policy) return *policy;
  return *policy_file::read_policy("{\"grants\": []}", realm);
}

}  // namespace

policy_file::Realm realm_of(const nodes::Registry& registry, const store::Account& account) {
  policy_file::Realm out{{account.domain}};
  for (const store::User* user : registry.users_of(account.id)) {
    const std::size_t at = user->login.rfind('@');
    if (user->role == "owner" && at != std::string::npos) {
      out.domains.push_back(user->login.substr(at + 1));
    }
  }
  return out;
}

std::string_view text_in_force(const store::Account& account) {
  return account.policy.empty() ? policy_file::kDefaultPolicy : std::string_view(account.policy);
}

std::unique_ptr<Engine> engine_over(
    const nodes::Registry& registry, store::AccountId account, SharedPolicy policy,
    CompileTimes* times) {
  auto out = std::make_unique<Engine>(std::move(policy), times);
  for (const auto& [name, service] : registry.services(account)) {
    out->put(service_of(service.record));
  }
  for (const store::User* user : registry.users_of(account)) out->put(person_of(*user));
  for (const store::NodeId id : registry.nodes_of(account)) {
    const nodes::Node& node = *registry.find(id);
    if (node.record.authorized) out->put(device_of(registry, node));
  }
  return out;
}

void Policy::rebuild(store::AccountId id, Account& account) const {
  const CompileTimes::Measure measure(&compile_times_);
  account.engine = engine_over(
      registry_, id, policy_of(registry_, *registry_.account(id)), &compile_times_);
  account.strangers.clear();
  put_strangers(id, account, true);
  account.policy_seen = registry_.policy_changed(id);
  account.seen = registry_.version();
  ++account.engines;
}

void Policy::put_services(store::AccountId id, Engine& engine) const {
  const auto& there = registry_.services(id);
  std::vector<std::string> gone;
  for (const auto& [name, known] : engine.services()) {
    if (!there.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) engine.remove_service(name);
  for (const auto& [name, service] : there) engine.put(service_of(service.record));
}

void Policy::put(const nodes::Node& node, Engine& engine) const {
  if (const store::User* owner = registry_.user(node.record.user)) engine.put(person_of(*owner));
  if (node.record.authorized) {
    engine.put(device_of(registry_, node));
  } else {
    engine.remove(node.id());
  }
}

// Guests rule nothing here, and whoever is called like one of ours is meant as a guest only: two
// accounts may give the same name to different people. `all`: what they are here may have changed,
// not only they themselves.
void Policy::put_strangers(store::AccountId id, Account& account, bool all) const {
  Engine& engine = *account.engine;
  std::set<store::NodeId> gone = std::move(account.strangers);
  account.strangers.clear();
  for (const Stranger& stranger : strangers_.strangers_in(id)) {
    const nodes::Node* node = registry_.find(stranger.node);
    if (node == nullptr || !node->record.authorized) continue;
    account.strangers.insert(stranger.node);
    gone.erase(stranger.node);
    if (!all && node->last_change <= account.seen) continue;
    const store::User* person = stranger.guest_of ? registry_.user(*stranger.guest_of) : nullptr;
    if (person != nullptr) {
      Person guest{person->id, person->login, {}, true};
      if (registry_.user_named(id, person->login) != nullptr) guest.login.clear();
      engine.put(guest);
    }
    engine.put(device_of(*node, stranger));
  }
  for (const store::NodeId node : gone) engine.remove(node);
}

Policy::Account& Policy::account(store::AccountId id) const {
  Account& account = accounts_[id];
  const bool same_policy = account.policy_seen == registry_.policy_changed(id);
  if (!account.engine || !same_policy) {
    rebuild(id, account);
  } else if (account.seen < registry_.version()) {
    const auto changes = registry_.changes_since(id, account.seen);
    if (!changes.complete) return rebuild(id, account), account;
    if (registry_.services_changed(id) > account.seen) put_services(id, *account.engine);
    for (const store::NodeId gone : changes.removed) account.engine->remove(gone);
    for (const nodes::Node* node : changes.changed) put(*node, *account.engine);
    put_strangers(id, account, strangers_.strangers_changed(id) > account.seen);
    account.seen = registry_.version();
  }
  return account;
}

bool Policy::may_meet(const nodes::Node& viewer, const nodes::Node& peer) const {
  return viewer.account() == peer.account() && engine(viewer).may_meet(viewer.id(), peer.id());
}

bool Policy::may_reach(
    store::AccountId judge, const nodes::Node& from, const nodes::Node& to) const {
  return account(judge).engine->may_reach(from.id(), to.id());
}

std::vector<Prefix> Policy::routes_seen(
    store::AccountId judge, const nodes::Node& viewer, const nodes::Node& peer) const {
  return account(judge).engine->routes_seen(viewer.id(), peer.id());
}

bool Policy::defines(store::AccountId id, std::string_view tag) const {
  const store::Account* known = registry_.account(id);
  if (known == nullptr || known->policy.empty()) return true;
  return account(id).engine->policy().defines_tag(std::string(tag));
}

bool Policy::owns(const store::User& user, std::string_view tag) const {
  if (user.role == "owner" || user.role == "admin") return true;
  const Engine& engine = *account(user.account).engine;
  const Person person = person_of(user);
  Device theirs;
  theirs.owner = user.id;
  return owned_by(engine.policy(), tag, [&](const Selector& owner) {
    return engine.resolver().matches(owner, theirs, &person);
  });
}

bool Policy::owns(
    store::AccountId id, std::span<const std::string> held, std::string_view tag) const {
  return owned_by(account(id).engine->policy(), tag, [&](const Selector& owner) {
    return std::ranges::count(held, owner.text) > 0;
  });
}

control::FilterRules Policy::filter(const nodes::Node& node) const {
  return engine(node).filter(node.id());
}

control::SshPolicy Policy::ssh(const nodes::Node& node) const {
  return {engine(node).ssh(node.id())};
}

std::optional<SshCheck> Policy::ssh_check(
    const nodes::Node& from, const nodes::Node& to, const std::string& local_user) const {
  return engine(to).ssh_check(from.id(), to.id(), local_user);
}

control::CapMap Policy::capabilities(const nodes::Node& node) const {
  return engine(node).capabilities(node.id());
}

std::vector<Prefix> Policy::routes_seen(const nodes::Node& viewer, const nodes::Node& peer) const {
  return engine(viewer).routes_seen(viewer.id(), peer.id());
}

const relays::Overlay& Policy::relays(store::AccountId id) const {
  return account(id).engine->policy().relays;
}

std::vector<Prefix> Policy::auto_approved(const nodes::Node& node) const {
  const store::User* user = registry_.user(node.record.user);
  const Person owner = user == nullptr ? Person{} : person_of(*user);
  return engine(node).auto_approved(
      device_of(registry_, node), &owner, node.record.live.hostinfo.routable_ips);
}

bool Policy::auto_approved(const nodes::Node& node, const store::Service& service) const {
  const store::User* user = registry_.user(node.record.user);
  const Person owner = user == nullptr ? Person{} : person_of(*user);
  return engine(node).auto_approved(device_of(node.record), &owner, service_of(service));
}

bool Policy::may_use_service(const nodes::Node& node, const std::string& service) const {
  return engine(node).may_use_service(node.id(), service);
}

std::vector<Prefix> Policy::pool_for(const nodes::NodeRecord& node) const {
  const store::User* user = registry_.user(node.user);
  const Person owner = user == nullptr ? Person{} : person_of(*user);
  return account(node.account).engine->address_pools(device_of(node), &owner);
}

std::uint64_t Policy::rules_version(const nodes::Node& node) const {
  Account& account = this->account(node.account());
  return (account.engines << 40) + account.engine->filter_version(node.id());
}

Policy::Figures Policy::figures() const {
  Figures out;
  for (const auto& [id, account] : accounts_) {
    if (!account.engine || registry_.account(id) == nullptr) continue;
    out.rules += account.engine->rules().size();
    out.fragments += account.engine->kept_filters();
  }
  return out;
}

std::uint64_t Policy::sight_version(store::AccountId id) const {
  Account& account = this->account(id);
  return (account.engines << 40) + account.engine->sight_version();
}

}  // namespace aya::policy
