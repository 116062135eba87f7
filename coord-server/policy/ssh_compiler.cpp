#include "coord-server/policy/ssh_compiler.h"

#include <algorithm>

namespace aya::policy {
namespace {

using Want = Selector::Kind;
using policy_file::SshRule;

// Where a node asks; it fills in the names with dollar signs.
constexpr const char* kAskCoordinator =
    "https://unused/machine/ssh/action/$SRC_NODE_ID/to/$DST_NODE_ID?local_user=$LOCAL_USER";
constexpr std::uint16_t kRecorderPort = 80;
constexpr auto kDefaultCheckPeriod = std::chrono::hours(12);

// A name stands for itself, and "*" for every name that is not in the list.
bool lets_in_as(const std::map<std::string, std::string>& users, const std::string& local_user) {
  const auto named = users.find(local_user);
  if (named != users.end()) return named->second == local_user;
  const auto any = users.find("*");
  return any != users.end() && any->second == "=";
}

bool names_people(const SshRule& rule) {
  return std::ranges::any_of(rule.users, [](const std::string& user) {
    return policy_file::localpart_domain(user).has_value();
  });
}

}  // namespace

std::map<std::string, std::string> ssh_users(const std::vector<std::string>& users) {
  std::map<std::string, std::string> out = {{"root", ""}};  // nobody, unless it is said
  for (const std::string& user : users) {
    if (user == policy_file::kNonroot) {
      out["*"] = "=";
    } else if (!policy_file::localpart_domain(user)) {
      out[user] = user;
    }
  }
  return out;
}

std::optional<std::string> localpart_user(
    const std::vector<std::string>& users, const Person& person) {
  const std::size_t at = person.login.rfind('@');
  if (at == std::string::npos) return std::nullopt;
  const std::string_view domain = std::string_view(person.login).substr(at + 1);
  const bool meant = std::ranges::any_of(users, [&](const std::string& user) {
    return policy_file::localpart_domain(user) == domain;
  });
  if (!meant) return std::nullopt;
  return person.login.substr(0, at);
}

bool SshCompiler::is_destination(const SshRule& rule) const {
  const Person* owner = engine_.owner_of(device_);
  return std::ranges::any_of(rule.dst, [&](const Selector& dst) {
    return engine_.resolver().matches(dst, device_, owner);
  });
}

bool SshCompiler::is_self_only(const SshRule& rule) const {
  return !device_.tagged() && device_.owner &&
         std::ranges::any_of(rule.dst, [](const Selector& dst) { return dst.is(Want::Self); });
}

SshCompiler::BySource SshCompiler::sources(const SshRule& rule, bool own_only) const {
  std::map<NodeId, std::set<IpAddress>> by_device;
  for (const Selector& source : rule.src) {
    const SelectorId id = engine_.resolver_.intern(source);
    for (const NodeId node : engine_.resolver().devices(id)) {
      for (const IpAddress& address : engine_.resolver().addresses_of(id, *engine_.device(node))) {
        by_device[node].insert(address);
      }
    }
  }
  BySource out;
  for (const auto& [node, addresses] : by_device) {
    const Device& device = *engine_.device(node);
    const auto owner = device.tagged() ? std::nullopt : device.owner;
    if (own_only && (!owner || owner != device_.owner)) continue;
    out[owner].insert(out[owner].end(), addresses.begin(), addresses.end());
  }
  return out;
}

control::SshAction SshCompiler::action_of(const SshRule& rule, bool ask) const {
  control::SshAction out;
  if (ask) {
    out.hold_and_delegate = kAskCoordinator;
  } else {
    out.accept = true;
    out.allow_agent_forwarding = true;
    out.allow_local_port_forwarding = out.allow_remote_port_forwarding = true;
  }
  for (const auto& known : engine_.devices()) {
    const Device& device = known.second;
    const bool records = std::ranges::any_of(rule.recorder, [&](const Selector& recorder) {
      return engine_.resolver().matches(recorder, device, engine_.owner_of(device));
    });
    if (records) out.recorders.push_back({device.ipv4, kRecorderPort});
  }
  if (!out.recorders.empty() && rule.enforce_recorder) {
    auto& failure = out.on_recording_failure.emplace();
    failure.reject_session_with_message = "this session has to be recorded, and cannot be";
    failure.terminate_session_with_message = "the recording of this session has failed";
  }
  return out;
}

void SshCompiler::add(
    const SshRule& rule, const Addresses& from, std::map<std::string, std::string> users) {
  if (from.empty()) return;
  control::SshRule out;
  for (const IpAddress& address : from) {
    out.principals.emplace_back().node_ip = address.to_text();
  }
  out.ssh_users = std::move(users);
  out.action = action_of(rule, rule.check);
  out.accept_env = rule.accept_env;
  out_.push_back(std::move(out));
  origins_.push_back(&rule);
}

void SshCompiler::add_for_each(const SshRule& rule, const BySource& sources) {
  for (const auto& [owner, addresses] : sources) {
    add(rule, addresses, ssh_users(rule.users));
    const Person* person = owner ? engine_.person(*owner) : nullptr;
    if (person == nullptr) continue;
    if (const auto name = localpart_user(rule.users, *person)) {
      add(rule, addresses, {{*name, *name}});
    }
  }
}

// "localpart:" names each person differently, which takes rules for each of them; and each of them
// then reaches their own machines, too.
void SshCompiler::compile(const SshRule& rule) {
  const bool to_it = is_destination(rule), to_self = is_self_only(rule);
  if (!names_people(rule)) {
    if (!to_it && !to_self) return;
    Addresses all;
    for (const auto& [owner, addresses] : sources(rule, !to_it)) {
      all.insert(all.end(), addresses.begin(), addresses.end());
    }
    add(rule, all, ssh_users(rule.users));
    return;
  }
  BySource from = sources(rule, false);
  if (!to_it) {
    const auto key = device_.tagged() ? std::nullopt : device_.owner;
    BySource own;
    if (const auto found = from.find(key); found != from.end()) {
      if (device_.tagged()) {
        std::erase_if(found->second, [&](const IpAddress& address) {
          return std::ranges::count(device_.addresses(), address) == 0;
        });
      }
      own.insert(*found);
    }
    from = std::move(own);
  }
  add_for_each(rule, from);
}

std::vector<control::SshRule> SshCompiler::rules() {
  for (const bool check : {true, false}) {
    for (const SshRule& rule : engine_.policy().ssh) {
      if (rule.check == check) compile(rule);
    }
  }
  return std::move(out_);
}

std::optional<SshCheck> SshCompiler::check(const Device& from, const std::string& local_user) {
  const std::vector<control::SshRule> all = rules();
  const auto addresses = from.addresses();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool from_it = std::ranges::any_of(all[i].principals, [&](const auto& principal) {
      return std::ranges::any_of(
          addresses, [&](const IpAddress& at) { return at.to_text() == principal.node_ip; });
    });
    if (!from_it || !lets_in_as(all[i].ssh_users, local_user)) continue;
    const SshRule& rule = *origins_[i];
    if (!rule.check) return std::nullopt;
    return SshCheck{rule.check_period.value_or(kDefaultCheckPeriod), action_of(rule, false)};
  }
  return std::nullopt;
}

}  // namespace aya::policy
