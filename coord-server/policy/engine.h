// A policy at work in one account: who sees whom, what each packet filter lets in, which routes a
// peer is seen with, who may log in by SSH (interfaces 5.3, control 6.7, 6.10).
//
// Everything is answered per node and worked out when it is first asked for. A change recompiles
// what it touches: put() re-tests one device against the selectors, and forgets the filters of
// those nodes only whose rules speak of a selector that means something else now. What a node's
// answers depend on is bits, one per rule; whether two nodes meet is an AND of two masks.
//
// One thread.
#pragma once

#include <unordered_map>

#include "coord-server/policy/compile_times.h"
#include "coord-server/policy/network.h"
#include "coord-server/policy/rules.h"
#include "proto/control/map_response.h"

namespace aya::policy {

// Their owner is asked before a session begins.
struct SshCheck {
  std::chrono::nanoseconds period;  // for how long an answer is good; 0: asked every time
  control::SshAction passed;        // what the session is then
};

class Engine {
 public:
  // `times`, where there is one, outlives this.
  explicit Engine(SharedPolicy policy, CompileTimes* times = nullptr);

  const PolicyFile& policy() const { return *policy_; }

  // A person before their devices. Changing one touches those devices.
  void put(const Person& person);
  void put(const Device& device);
  void remove(NodeId device);
  // In any order with the devices that answer for it.
  void put(const NamedService& service);
  void remove_service(const std::string& name);

  const Device* device(NodeId id) const;
  const Person* person(UserId id) const;
  const Person* owner_of(const Device& device) const;
  const std::map<NodeId, Device>& devices() const { return devices_; }
  const std::map<UserId, Person>& people() const { return people_; }
  // As a device that is nothing but this; nullptr: there is none of that name.
  const Device* service(const std::string& name) const;
  const std::map<std::string, Device>& services() const { return services_; }

  // Nodes that are not known see nobody and let nobody in. An empty filter denies everything.
  bool may_meet(NodeId a, NodeId b) const;
  const control::FilterRules& filter(NodeId node);
  const std::vector<control::SshRule>& ssh(NodeId node);
  // What has to be asked before `from` is let in to `to` as `local_user`; nullopt: nothing.
  std::optional<SshCheck> ssh_check(NodeId from, NodeId to, const std::string& local_user);
  // Is the second a destination for the first: itself, not what it routes?
  bool may_reach(NodeId from, NodeId to) const;
  // What `viewer` may send through `peer`, of what others are told that it routes, and addresses of
  // services that are reached there.
  std::vector<Prefix> routes_seen(NodeId viewer, NodeId peer);
  bool may_use_service(NodeId viewer, const std::string& name) const;
  // Attributes a policy gives a node, and those that follow from its owner's role.
  control::CapMap capabilities(NodeId node) const;
  // Those of `offered` that nobody needs to approve by hand. The device need not be known.
  std::vector<Prefix> auto_approved(
      const Device& device, const Person* owner, const std::vector<Prefix>& offered) const;
  // May it answer for the service without being approved by hand?
  bool auto_approved(const Device& device, const Person* owner, const NamedService& service) const;
  // Where a new device gets its address from; empty: anywhere.
  std::vector<Prefix> address_pools(const Device& device, const Person* owner) const;

  // Grows with every change of what this node's filter, ssh rules or attributes are.
  std::uint64_t filter_version(NodeId node);
  // Grows when nodes may see others, or other routes, than before although neither of them changed:
  // a person did, or a router that stands in for another one.
  std::uint64_t sight_version() const { return sight_version_; }

  const std::vector<Rule>& rules() const { return rules_; }
  const Resolver& resolver() const { return resolver_; }
  const Standing* standing(NodeId node) const;
  // Filters that are worked out and good for as long as nothing changes, one for each node.
  std::size_t kept_filters() const;
  // How often a filter was worked out, for tests of how little a change costs.
  std::uint64_t compilations() const { return compilations_; }

 private:
  friend class FilterCompiler;
  friend class SshCompiler;
  friend class RoutesSeen;

  struct Compiled {
    Standing standing;
    bool filter_fresh = false, ssh_fresh = false;
    control::FilterRules filter;
    std::vector<control::SshRule> ssh;
    std::uint64_t version = 0;
  };
  // What a rule's sources are, for all nodes that have it in their filter.
  struct Sources {
    bool fresh = false;
    std::vector<std::string> texts;
  };
  // How rules stand to one network that is routed.
  struct RouteRules {
    RuleMask to, from;  // rules without via that lead there, or let it speak
    RuleMask via;       // rules that lead there by machines with certain tags
  };

  void touch(const std::vector<SelectorId>& changed);
  void touch_postures(const Device& before, const Device& after);
  void touch_routes(const Device* before, const Device* after);
  void forget_filters(const RuleMask& rules);
  const std::vector<std::string>& source_texts(std::size_t rule);
  const RouteRules& rules_for(const Prefix& route);
  void compile(NodeId node, Compiled& compiled);
  Standing stand(const Device& device) const;
  bool is_any_of(
      const std::vector<Selector>& selectors, const Device& device, const Person* owner) const;
  void touch_hosts(const std::string& service);

  SharedPolicy policy_;
  CompileTimes* times_;
  Resolver resolver_;
  std::vector<Rule> rules_;
  std::vector<bool> used_by_ssh_;                      // by selector
  std::vector<std::vector<std::size_t>> used_in_src_;  // rules, by selector
  std::map<UserId, Person> people_;
  std::map<NodeId, Device> devices_;
  std::map<UserId, std::set<NodeId>> owned_;
  std::map<std::string, Device> services_;
  std::map<std::string, RuleMask> service_dst_;  // rules of which each is a destination
  std::map<NodeId, Compiled> compiled_;
  std::vector<Sources> sources_;
  std::map<Prefix, std::set<NodeId>> routers_;
  std::map<Prefix, RouteRules> route_rules_;
  std::uint64_t sight_version_ = 1;
  bool has_via_ = false;
  std::uint64_t compilations_ = 0;
};

}  // namespace aya::policy
