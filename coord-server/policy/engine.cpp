#include "coord-server/policy/engine.h"

#include <algorithm>

#include "coord-server/policy/filter_compiler.h"
#include "coord-server/policy/routes_seen.h"
#include "coord-server/policy/ssh_compiler.h"

namespace aya::policy {
namespace {

const std::vector<control::SshRule> kNoSsh;
const control::FilterRules kNothing;

bool is_within(const Prefix& outer, const Prefix& inner) {
  return outer.length <= inner.length && outer.contains(inner.address);
}

bool same_owner(const Device& a, const Device& b) {
  return !a.tagged() && !b.tagged() && a.owner && a.owner == b.owner;
}

void merge(const control::CapMap& more, control::CapMap& into) {
  for (const auto& [name, values] : more) {
    auto& all = into[name];
    all.insert(all.end(), values.begin(), values.end());
  }
}

}  // namespace

Engine::Engine(SharedPolicy policy, CompileTimes* times)
    : policy_(std::move(policy)), times_(times), resolver_(policy_) {
  rules_ = prepare(*policy_, resolver_);
  const auto intern_all = [&](const std::vector<Selector>& selectors, auto note) {
    for (const Selector& selector : selectors) note(resolver_.intern(selector));
  };
  std::set<SelectorId> ssh;
  for (const policy_file::SshRule& rule : policy_->ssh) {
    for (const auto* list : {&rule.src, &rule.dst, &rule.recorder}) {
      intern_all(*list, [&](SelectorId id) { ssh.insert(id); });
    }
  }
  for (const policy_file::NodeAttribute& attribute : policy_->node_attrs) {
    intern_all(attribute.target, [](SelectorId) {});
  }
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    has_via_ = has_via_ || rules_[i].has_via();
    for (const SelectorId id : rules_[i].src) {
      if (used_in_src_.size() <= id) used_in_src_.resize(id + 1);
      used_in_src_[id].push_back(i);
    }
    // A capability may be answered by its target: then destinations are sources too.
    if (rules_[i].written->app.empty()) continue;
    for (const SelectorId id : rules_[i].dst) {
      if (used_in_src_.size() <= id) used_in_src_.resize(id + 1);
      used_in_src_[id].push_back(i);
    }
  }
  for (const SelectorId id : ssh) {
    if (used_by_ssh_.size() <= id) used_by_ssh_.resize(id + 1);
    used_by_ssh_[id] = true;
  }
  sources_.resize(rules_.size());
}

const Device* Engine::device(NodeId id) const {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

const Person* Engine::person(UserId id) const {
  const auto found = people_.find(id);
  return found == people_.end() ? nullptr : &found->second;
}

const Person* Engine::owner_of(const Device& device) const {
  return device.owner ? person(*device.owner) : nullptr;
}

const Standing* Engine::standing(NodeId node) const {
  const auto found = compiled_.find(node);
  return found == compiled_.end() ? nullptr : &found->second.standing;
}

void Engine::put(const Person& person) {
  auto& known = people_[person.id];
  if (known == person) return;
  known = person;
  ++sight_version_;
  const auto theirs = owned_.find(person.id);
  if (theirs == owned_.end()) return;
  for (const NodeId id : std::set<NodeId>(theirs->second)) {
    // As if it were new: what its owner is decides which selectors mean it.
    const Device again = devices_.at(id);
    remove(id);
    put(again);
  }
}

void Engine::put(const Device& device) {
  auto [at, is_new] = devices_.try_emplace(device.id);
  if (!is_new && at->second == device) return;
  const Device before = std::exchange(at->second, device);
  if (!is_new && before.owner) owned_[*before.owner].erase(device.id);
  if (device.owner) owned_[*device.owner].insert(device.id);
  Compiled& compiled = compiled_[device.id];
  touch(resolver_.put(device, owner_of(device)));
  if (!is_new) touch_postures(before, device);
  touch_routes(is_new ? nullptr : &before, &device);
  Standing standing = stand(device);
  // Rules about everybody's own devices name those of one person: they are in each other's filters.
  if (is_new || before.owner != device.owner || before.addresses() != device.addresses() ||
      before.tags != device.tags) {
    for (const auto& owner : {before.owner, device.owner}) {
      if (!owner) continue;
      for (const NodeId id : owned_[*owner])
        compiled_[id].filter_fresh = compiled_[id].ssh_fresh = false;
    }
  }
  compiled.standing = std::move(standing);
  compiled.filter_fresh = compiled.ssh_fresh = false;
}

// Whoever may reach a service has to do with those who answer for it.
Standing Engine::stand(const Device& device) const {
  Standing out = standing_of(rules_, resolver_, device, owner_of(device));
  for (const std::string& name : device.hosted) {
    if (const auto rules = service_dst_.find(name); rules != service_dst_.end()) {
      out.dst.add(rules->second);
    }
  }
  return out;
}

void Engine::put(const NamedService& service) {
  Device end;
  end.service = service.name;
  end.tags = service.tags;
  end.ipv4 = service.ipv4;
  end.ipv6 = service.ipv6;
  auto [at, is_new] = services_.try_emplace(service.name);
  if (!is_new && at->second == end) return;
  at->second = std::move(end);
  service_dst_[service.name] = standing_of(rules_, resolver_, at->second, nullptr).dst_own;
  touch_hosts(service.name);
}

void Engine::remove_service(const std::string& name) {
  if (services_.erase(name) == 0) return;
  service_dst_.erase(name);
  touch_hosts(name);
}

void Engine::touch_hosts(const std::string& service) {
  for (const auto& [id, device] : devices_) {
    if (std::ranges::count(device.hosted, service) == 0) continue;
    Compiled& compiled = compiled_[id];
    compiled.standing = stand(device);
    compiled.filter_fresh = false;
  }
}

const Device* Engine::service(const std::string& name) const {
  const auto found = services_.find(name);
  return found == services_.end() ? nullptr : &found->second;
}

bool Engine::may_use_service(NodeId viewer, const std::string& name) const {
  const Standing* source = standing(viewer);
  const auto rules = service_dst_.find(name);
  return source != nullptr && rules != service_dst_.end() && source->src.meets(rules->second);
}

void Engine::remove(NodeId id) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;
  const Device before = found->second;
  touch(resolver_.remove(id));
  touch_routes(&before, nullptr);
  devices_.erase(found);
  compiled_.erase(id);
  if (before.owner) {
    auto& theirs = owned_[*before.owner];
    theirs.erase(id);
    for (const NodeId other : theirs) {
      compiled_[other].filter_fresh = compiled_[other].ssh_fresh = false;
    }
  }
}

void Engine::touch(const std::vector<SelectorId>& changed) {
  RuleMask rules(rules_.size());
  bool any = false, ssh = false;
  for (const SelectorId id : changed) {
    ssh = ssh || (id < used_by_ssh_.size() && used_by_ssh_[id]);
    if (id >= used_in_src_.size()) continue;
    for (const std::size_t rule : used_in_src_[id]) {
      // "*" is the same addresses whoever is there, unless only some of them are meant.
      const bool constant = resolver_.selector(id).is(Selector::Kind::Any) &&
                            rules_[rule].postures.empty() && rules_[rule].src.size() == 1 &&
                            rules_[rule].written->app.empty();
      if (constant) continue;
      rules.set(rule);
      any = true;
    }
  }
  if (any) forget_filters(rules);
  if (!ssh) return;
  for (auto& [id, compiled] : compiled_) compiled.ssh_fresh = false;
}

void Engine::forget_filters(const RuleMask& rules) {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules.test(i)) sources_[i].fresh = false;
  }
  for (auto& [id, compiled] : compiled_) {
    const Standing& standing = compiled.standing;
    const bool concerned =
        standing.dst.meets(rules) || standing.self.meets(rules) || standing.src.meets(rules);
    if (concerned) compiled.filter_fresh = false;
  }
}

// It is in the same sets as before, but only rules whose condition it meets mean it.
void Engine::touch_postures(const Device& before, const Device& after) {
  if (before.posture == after.posture) return;
  RuleMask rules(rules_.size());
  bool any = false;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (meets_postures(rules_[i], before) == meets_postures(rules_[i], after)) continue;
    rules.set(i);
    any = true;
  }
  if (any) forget_filters(rules);
}

void Engine::touch_routes(const Device* before, const Device* after) {
  const std::vector<Prefix> none;
  const auto& had = before == nullptr ? none : before->routes;
  const auto& has = after == nullptr ? none : after->routes;
  const bool carriers = before != nullptr && after != nullptr &&
                        (before->carried != after->carried || before->present != after->present);
  if (has_via_ && (had != has || carriers)) ++sight_version_;
  if (had == has) return;
  const NodeId id = before != nullptr ? before->id : after->id;
  bool list_changed = false;
  for (const Prefix& route : had) {
    auto& routers = routers_[route];
    routers.erase(id);
    if (routers.empty()) routers_.erase(route), list_changed = true;
  }
  for (const Prefix& route : has) list_changed = routers_[route].insert(id).second || list_changed;
  if (!list_changed) return;
  // Whoever "*" lets in comes from these networks too.
  RuleMask rules(rules_.size());
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].from_all || rules_[i].to_all) rules.set(i);
  }
  forget_filters(rules);
}

bool Engine::may_meet(NodeId a, NodeId b) const {
  const Standing *of_a = standing(a), *of_b = standing(b);
  if (of_a == nullptr || of_b == nullptr || a == b) return false;
  if (of_a->src.meets(of_b->dst) || of_b->src.meets(of_a->dst)) return true;
  if (!same_owner(devices_.at(a), devices_.at(b))) return false;
  return of_a->src.meets(of_b->self) || of_b->src.meets(of_a->self);
}

bool Engine::may_reach(NodeId from, NodeId to) const {
  const Standing *source = standing(from), *target = standing(to);
  return source != nullptr && target != nullptr && from != to && source->src.meets(target->dst_own);
}

void Engine::compile(NodeId node, Compiled& compiled) {
  if (!compiled.filter_fresh) {
    const CompileTimes::Measure measure(times_);
    ++compilations_;
    control::FilterRules filter = FilterCompiler(*this, node).rules();
    if (filter != compiled.filter || compiled.version == 0) ++compiled.version;
    compiled.filter = std::move(filter);
    compiled.filter_fresh = true;
  }
  if (!compiled.ssh_fresh) {
    std::vector<control::SshRule> ssh;
    if (devices_.at(node).runs_ssh) ssh = SshCompiler(*this, node).rules();
    if (ssh != compiled.ssh) ++compiled.version;
    compiled.ssh = std::move(ssh);
    compiled.ssh_fresh = true;
  }
}

std::size_t Engine::kept_filters() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      compiled_, [](const auto& entry) { return entry.second.filter_fresh; }));
}

const control::FilterRules& Engine::filter(NodeId node) {
  const auto found = compiled_.find(node);
  if (found == compiled_.end()) return kNothing;
  compile(node, found->second);
  return found->second.filter;
}

const std::vector<control::SshRule>& Engine::ssh(NodeId node) {
  const auto found = compiled_.find(node);
  if (found == compiled_.end()) return kNoSsh;
  compile(node, found->second);
  return found->second.ssh;
}

std::optional<SshCheck> Engine::ssh_check(
    NodeId from, NodeId to, const std::string& local_user) {
  const Device* source = device(from);
  if (source == nullptr || device(to) == nullptr) return std::nullopt;
  return SshCompiler(*this, to).check(*source, local_user);
}

std::uint64_t Engine::filter_version(NodeId node) {
  const auto found = compiled_.find(node);
  if (found == compiled_.end()) return 0;
  compile(node, found->second);
  return found->second.version;
}

const std::vector<std::string>& Engine::source_texts(std::size_t rule) {
  Sources& sources = sources_[rule];
  if (!sources.fresh) {
    sources.texts = FilterCompiler::sources_of(*this, rules_[rule]).to_texts();
    sources.fresh = true;
  }
  return sources.texts;
}

std::vector<Prefix> Engine::routes_seen(NodeId viewer, NodeId peer) {
  return RoutesSeen(*this).of(viewer, peer);
}

control::CapMap Engine::capabilities(NodeId node) const {
  static constexpr const char* kAdmin = "https://tailscale.com/cap/is-admin";
  static constexpr const char* kOwner = "https://tailscale.com/cap/is-owner";
  static constexpr const char* kFunnelPorts =
      "https://tailscale.com/cap/funnel-ports?ports=443,8443,10000";
  control::CapMap out;
  const Device* device = this->device(node);
  if (device == nullptr) return out;
  const Person* owner = device->tagged() ? nullptr : owner_of(*device);
  for (const policy_file::NodeAttribute& attribute : policy_->node_attrs) {
    if (is_any_of(attribute.target, *device, owner)) merge(attribute.caps, out);
  }
  if (policy_->randomize_client_port) out["randomize-client-port"];
  if (policy_->disable_ipv4) out["disable-ipv4"];
  if (policy_->one_cgnat_route) {
    out[*policy_->one_cgnat_route ? "one-cgnat?v=true" : "one-cgnat?v=false"];
  }
  if (out.contains("funnel")) {
    out[kFunnelPorts];
    if (!out.contains("https")) out["https://tailscale.com/cap/warn-funnel-no-https"];
  }
  const bool is_owner = owner != nullptr && owner->role == "owner";
  if (is_owner || (owner != nullptr && owner->role == "admin")) out[kAdmin];
  // A machine with tags belongs to the network, and the network to its owner.
  if (is_owner || device->tagged()) out[kOwner];
  return out;
}

bool Engine::is_any_of(
    const std::vector<Selector>& selectors, const Device& device, const Person* owner) const {
  return std::ranges::any_of(selectors, [&](const Selector& selector) {
    return resolver_.matches(selector, device, owner);
  });
}

// Said of a service by its name, or of all with a tag.
bool Engine::auto_approved(
    const Device& device, const Person* owner, const NamedService& service) const {
  return std::ranges::any_of(policy_->auto_approvers.services, [&](const auto& entry) {
    const bool meant =
        entry.first == service.name || std::ranges::count(service.tags, entry.first) > 0;
    return meant && is_any_of(entry.second, device, owner);
  });
}

std::vector<Prefix> Engine::auto_approved(
    const Device& device, const Person* owner, const std::vector<Prefix>& offered) const {
  const auto allowed = [&](const std::vector<Selector>& approvers) {
    return is_any_of(approvers, device, owner);
  };
  std::vector<Prefix> out;
  for (const Prefix& route : offered) {
    const bool approved =
        route.length == 0
            ? allowed(policy_->auto_approvers.exit_node)
            : std::ranges::any_of(policy_->auto_approvers.routes, [&](const auto& entry) {
                return is_within(entry.first, route) && allowed(entry.second);
              });
    if (approved) out.push_back(route);
  }
  return out;
}

std::vector<Prefix> Engine::address_pools(const Device& device, const Person* owner) const {
  for (const policy_file::NodeAttribute& attribute : policy_->node_attrs) {
    if (attribute.ip_pool.empty()) continue;
    if (is_any_of(attribute.target, device, owner)) return attribute.ip_pool;
  }
  return {};
}

}  // namespace aya::policy
