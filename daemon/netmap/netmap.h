// daemon/netmap keeps what the coordination server has told this node: itself, its peers, the
// filter, names, relays. It turns the map stream into a Netmap and into a description of what
// changed, so that the parts that act on it pay for the change and not for the size of the network.
//
//   State state;
//   for each message:  FoldResult folded = fold(state, std::move(message), wall_now);
//                      if (folded.outcome == Outcome::Folded) apply(state.netmap, folded.delta);
//   when a poll is opened again:  state.begin_poll();
//
// fold.h holds the rules (control 7.1 as amended by 14). What the netmap means for packets, routes
// or names is decided elsewhere. Pure; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/control/map_response.h"

namespace aya::netmap {

using control::NodeId;
using control::UserId;

struct Netmap {
  control::Node self;
  std::map<NodeId, control::Node> peers;                       // never self
  std::map<UserId, control::UserProfile> user_profiles;        // every one ever told in this poll
  std::map<std::string, control::FilterRules> packet_filters;  // by name; united in key order
  std::optional<control::DerpMap> derp_map;
  std::optional<control::DnsConfig> dns;
  std::string domain;
  bool collect_services = false;
  std::optional<control::SshPolicy> ssh_policy;
  std::vector<std::string> health;
  std::map<std::string, control::DisplayMessage> display_messages;
  bool network_lock = false;
  std::string domain_audit_log_id;
  friend bool operator==(const Netmap&, const Netmap&) = default;

  // All named filters in one list, as daemon/filter takes it.
  control::FilterRules filter_rules() const;
  // What to show a person: the display messages, or where there are none the health texts in their
  // form.
  std::map<std::string, control::DisplayMessage> messages() const;
  // The profile of a user, nullptr if the server never sent one. Valid until the next fold.
  const control::UserProfile* profile(UserId id) const;
  // Everything after the first label of the own name, without the trailing dot: "net.example".
  std::string magic_dns_suffix() const;
};

}  // namespace aya::netmap
