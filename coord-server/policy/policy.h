// The policies of all accounts at work: an engine for each, kept in step with the registry. Whoever
// asks gets the answer for the nodes as they are now; what it costs to catch up is what has changed
// since the last question.
//
// One thread.
#pragma once

#include "coord-server/nodes/address_allocator.h"
#include "coord-server/nodes/registry.h"
#include "coord-server/nodes/tags.h"
#include "coord-server/policy/access_test.h"
#include "coord-server/policy/strangers.h"

namespace aya::policy {

class Policy final : public nodes::TagOwners, public nodes::AddressAllocator::Pools {
 public:
  // Both outlive this.
  Policy(const nodes::Registry& registry, const Strangers& strangers, Clock clock = nullptr)
      : registry_(registry), strangers_(strangers), compile_times_(clock) {}

  // Symmetric: a node is shown to whoever it may reach or may be reached by (control 7.2). Nodes
  // that wait for approval see nobody and are seen by nobody.
  bool may_meet(const nodes::Node& viewer, const nodes::Node& peer) const;
  // Does the policy of `judge`, the account of one of them, let the first reach the second itself?
  bool may_reach(store::AccountId judge, const nodes::Node& from, const nodes::Node& to) const;
  // What it lets the first use of what the second routes.
  std::vector<Prefix> routes_seen(
      store::AccountId judge, const nodes::Node& viewer, const nodes::Node& peer) const;
  // Until somebody writes a policy every tag is there, and owners and administrators own them all;
  // with one they own those it defines, besides whom it names.
  bool defines(store::AccountId account, std::string_view tag) const override;
  bool owns(const store::User& user, std::string_view tag) const override;
  bool owns(store::AccountId account, std::span<const std::string> held, std::string_view tag)
      const override;
  // Never absent: a node without rules gets an empty list, which denies everything.
  control::FilterRules filter(const nodes::Node& node) const;
  control::SshPolicy ssh(const nodes::Node& node) const;
  // What `to` has to ask before it lets `from` in as `local_user`, by the policy of its own account.
  std::optional<SshCheck> ssh_check(
      const nodes::Node& from, const nodes::Node& to, const std::string& local_user) const;
  control::CapMap capabilities(const nodes::Node& node) const;
  std::vector<Prefix> routes_seen(const nodes::Node& viewer, const nodes::Node& peer) const;
  const relays::Overlay& relays(store::AccountId account) const;
  // Routes a node offers and that the policy approves by itself.
  std::vector<Prefix> auto_approved(const nodes::Node& node) const;
  // May it answer for the service without being approved by hand?
  bool auto_approved(const nodes::Node& node, const store::Service& service) const;
  // Is a service of its account a destination for it?
  bool may_use_service(const nodes::Node& node, const std::string& service) const;
  std::vector<Prefix> pool_for(const nodes::NodeRecord& node) const override;

  // Each grows when the answers to the questions above may be others than before.
  std::uint64_t rules_version(const nodes::Node& node) const;   // filter and ssh
  std::uint64_t sight_version(store::AccountId account) const;  // who meets, and routes

  // Of all accounts whose policy was at work yet.
  struct Figures {
    std::uint64_t rules = 0;      // in force
    std::uint64_t fragments = 0;  // packet filters that are worked out and kept
  };
  Figures figures() const;
  const Histogram& compile_times() const { return compile_times_.histogram(); }

 private:
  struct Account {
    std::unique_ptr<Engine> engine;
    nodes::Version seen = 0;            // of the registry
    nodes::Version policy_seen = 0;     // since when the policy is what it is
    std::uint64_t engines = 0;          // how many there have been
    std::set<store::NodeId> strangers;  // that the engine knows
  };
  Account& account(store::AccountId id) const;
  Engine& engine(const nodes::Node& node) const { return *account(node.account()).engine; }
  void rebuild(store::AccountId id, Account& account) const;
  void put(const nodes::Node& node, Engine& engine) const;
  void put_services(store::AccountId id, Engine& engine) const;
  void put_strangers(store::AccountId id, Account& account, bool all) const;

  const nodes::Registry& registry_;
  const Strangers& strangers_;
  mutable CompileTimes compile_times_;
  mutable std::map<store::AccountId, Account> accounts_;  // grows by being asked
};

// What an account is to its policy: the domains of its owners' logins, and its own.
policy_file::Realm realm_of(const nodes::Registry& registry, const store::Account& account);
// The text in force, and an engine for any policy over the account's people and nodes as they are.
std::string_view text_in_force(const store::Account& account);
std::unique_ptr<Engine> engine_over(
    const nodes::Registry& registry, store::AccountId account, SharedPolicy policy,
    CompileTimes* times = nullptr);

}  // namespace aya::policy
