// A policy as written: groups, tags, rules, tests (interfaces 5). read_policy() turns text into
// this model or says what is wrong with it, in the words of the hosted service where tools may show
// them. Nothing here knows which nodes there are; what follows from a policy for a node is for
// coord-server/policy.
//
// A policy that says nothing about access (neither `acls` nor `grants`) allows everything; an empty
// list allows nothing.
//
// Pure; any thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coord-server/hujson/hujson.h"
#include "coord-server/policy_file/ports.h"
#include "coord-server/policy_file/posture.h"
#include "coord-server/policy_file/selector.h"
#include "coord-server/relays/relay_text.h"
#include "proto/control/node.h"

namespace aya::policy_file {

using hujson::Position;

// Why a policy was not accepted.
struct Refusal {
  int status = 400;
  std::string message;
};

// What one account is, as far as a policy refers to it.
struct Realm {
  std::vector<std::string> domains;  // for "user:*@domain" and "localpart:*@domain"
};

// An entry of `acls` or `grants`. An acl whose destinations differ in ports becomes several.
struct AccessRule {
  Position at;            // of the entry in the file
  std::size_t entry = 0;  // number of the entry over acls and grants: rules of one entry share it
  std::vector<Selector> src, dst;
  std::vector<Service> services;  // what may pass; empty for a rule of capabilities alone
  control::CapMap app;
  std::vector<std::string> via;          // tags
  std::vector<std::string> src_posture;  // names of postures, one of which must hold
};

struct SshRule {
  Position at;
  bool check = false;  // ask the user again, at most every `check_period`
  std::vector<Selector> src, dst;
  std::vector<std::string> users;
  std::optional<std::chrono::nanoseconds> check_period;  // 0: every time
  std::vector<std::string> accept_env;
  std::vector<Selector> recorder;
  bool enforce_recorder = false;
};

struct NodeAttribute {
  std::vector<Selector> target;
  control::CapMap caps;  // of `attr` without values, of `app` with them
  std::vector<Prefix> ip_pool;
};

struct AutoApprovers {
  std::vector<std::pair<Prefix, std::vector<Selector>>> routes;
  std::vector<Selector> exit_node;
  std::map<std::string, std::vector<Selector>> services;
};

// Tests are checked when they are run: one that cannot be understood fails like one that is not
// met.
struct AccessTest {
  Position at;
  std::string src, proto;
  std::vector<std::string> accept, deny;
  PostureAttributes src_posture;
};

struct SshTest {
  Position at;
  std::string src;
  std::vector<Selector> dst;
  std::vector<std::string> accept, deny, check;
};

struct IpSetStep {
  bool remove = false;
  Selector what;
};

struct PolicyFile {
  std::map<std::string, std::vector<std::string>> groups;  // members as written
  std::map<std::string, Prefix> hosts;
  std::map<std::string, std::vector<Selector>> tag_owners;
  std::map<std::string, std::vector<IpSetStep>> ip_sets;
  std::map<std::string, std::vector<PostureCondition>> postures;
  std::vector<std::string> default_src_posture;
  std::vector<AccessRule> rules;
  std::vector<SshRule> ssh;
  std::vector<NodeAttribute> node_attrs;
  AutoApprovers auto_approvers;
  std::vector<AccessTest> tests;
  std::vector<SshTest> ssh_tests;
  bool randomize_client_port = false;
  bool disable_ipv4 = false;
  std::optional<bool> one_cgnat_route;
  relays::Overlay relays;

  bool defines_tag(const std::string& tag) const { return tag_owners.contains(tag); }
};

using SharedPolicy = std::shared_ptr<const PolicyFile>;

Result<SharedPolicy, Refusal> read_policy(std::string_view text, const Realm& realm);

// For `validate`, which may be sent a list of tests alone.
Result<std::vector<AccessTest>, Refusal> read_tests(std::string_view text);

// What every account starts with: everybody reaches everything, and comments that say what else
// could stand there.
extern const std::string_view kDefaultPolicy;

// Ways a list of users of an ssh rule may name somebody besides by name.
inline constexpr std::string_view kNonroot = "autogroup:nonroot";
// The domain of "localpart:*@example.com"; nothing if it is an ordinary name.
std::optional<std::string_view> localpart_domain(std::string_view user);

}  // namespace aya::policy_file
