// Who may log in to one node by SSH, and as whom (interfaces 5.6, control 6.10). Private to the
// room.
#pragma once

#include "coord-server/policy/engine.h"

namespace aya::policy {

class SshCompiler {
 public:
  SshCompiler(Engine& engine, NodeId node) : engine_(engine), device_(*engine.device(node)) {}

  // Those that ask again stand before those that do not: the first that fits decides.
  std::vector<control::SshRule> rules();
  // What a node that `from` calls as `local_user` has to ask first, by the rule that such a node
  // goes by. nullopt: nothing.
  std::optional<SshCheck> check(const Device& from, const std::string& local_user);

 private:
  using Addresses = std::vector<IpAddress>;
  // Whose devices they are; nobody for those with tags.
  using BySource = std::map<std::optional<UserId>, Addresses>;

  bool is_destination(const policy_file::SshRule& rule) const;
  bool is_self_only(const policy_file::SshRule& rule) const;
  BySource sources(const policy_file::SshRule& rule, bool own_only) const;
  void compile(const policy_file::SshRule& rule);
  void add_for_each(const policy_file::SshRule& rule, const BySource& sources);
  void add(
      const policy_file::SshRule& rule, const Addresses& from,
      std::map<std::string, std::string> users);
  // `ask`: the rule as the node gets it; otherwise what holds once nothing is left to ask.
  control::SshAction action_of(const policy_file::SshRule& rule, bool ask) const;

  Engine& engine_;
  const Device& device_;
  std::vector<control::SshRule> out_;
  std::vector<const policy_file::SshRule*> origins_;  // of each of those
};

// What a list of users lets a person log in as, but for "localpart:".
std::map<std::string, std::string> ssh_users(const std::vector<std::string>& users);
// "alice" of alice@example.com, if one of `users` is "localpart:*@example.com".
std::optional<std::string> localpart_user(
    const std::vector<std::string>& users, const Person& person);

}  // namespace aya::policy
