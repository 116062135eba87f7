// What a policy is applied to: the people and the machines of one account, as plain values.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "coord-server/policy_file/posture.h"
#include "proto/control/node.h"

namespace aya::policy {

using control::NodeId;
using control::UserId;

struct Person {
  UserId id;
  std::string login;
  std::string role;    // "owner", "admin", "member", …
  bool guest = false;  // of another account, who accepted a share
  friend bool operator==(const Person&, const Person&) = default;
};

// A name with addresses of its own, which some of the machines answer for.
struct NamedService {
  std::string name;  // "svc:web"
  std::vector<std::string> tags;
  IpAddress ipv4, ipv6;
  friend bool operator==(const NamedService&, const NamedService&) = default;
};

struct Device {
  NodeId id;
  std::optional<UserId> owner;  // nobody: it has tags
  std::vector<std::string> tags;
  IpAddress ipv4, ipv6;
  std::vector<IpAddress> former;  // at which it still answers
  std::vector<Prefix> routes;     // that it offers and may carry, default routes included
  std::vector<Prefix> carried;    // subnets it was elected for
  std::vector<Prefix> withheld;   // subnets that it offers and may not carry
  std::vector<std::string> hosted;   // services it answers for
  std::vector<std::string> carries;  // those of them that are reached at it
  std::string service;            // of what stands for a service: its name; that is no machine
  bool present = true;            // can carry traffic
  bool runs_ssh = true;           // serves SSH itself: others have no use for rules about it
  policy_file::PostureAttributes posture;

  bool tagged() const { return !tags.empty(); }
  bool is_exit_node() const;
  std::vector<IpAddress> addresses() const;
  template <class Set>
  bool has_address_in(const Set& set) const {
    return set.contains(ipv4) || set.contains(ipv6) ||
           std::ranges::any_of(former, [&](const IpAddress& at) { return set.contains(at); });
  }
  friend bool operator==(const Device&, const Device&) = default;
};

}  // namespace aya::policy
