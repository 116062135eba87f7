#include "tests/coord-server/policy/other_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace aya::test {
namespace {

using Json = nlohmann::json;
using Said = std::optional<Json>;

Said said_if(bool changed, Json& policy) {
  return changed ? Said(std::move(policy)) : std::nullopt;
}

// The sections of these names that the policy has, each a list of rules.
std::vector<std::pair<std::string, Json*>> sections_of(
    Json& policy, std::initializer_list<const char*> names) {
  std::vector<std::pair<std::string, Json*>> out;
  for (const char* name : names) {
    const auto found = policy.find(name);
    if (found != policy.end() && found->is_array()) out.emplace_back(name, &*found);
  }
  return out;
}

bool is_list(const Json& rule, const char* field) {
  return rule.contains(field) && rule.at(field).is_array();
}

// "tag:db:80,443" of an acl as host and ports; of other rules there are no ports.
struct Target {
  std::string host, ports;
};
Target target_of(const std::string& section, const std::string& text) {
  const std::size_t colon = section == "acls" ? text.rfind(':') : std::string::npos;
  if (colon == std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon)};
}

// `others` gives what stands for a word, or nothing where the word stays.
using Others = std::function<std::optional<std::vector<std::string>>(const std::string&)>;
bool replace_in(Json& list, const std::string& section, const Others& others) {
  bool changed = false;
  Json out = Json::array();
  for (const std::string word : list) {
    const Target target = target_of(section, word);
    const auto instead = others(target.host);
    changed = changed || instead;
    for (const std::string& one : instead.value_or(std::vector{target.host})) {
      out.push_back(one + target.ports);
    }
  }
  list = std::move(out);
  return changed;
}

Said with_others(Json policy, std::initializer_list<const char*> sections, const Others& others) {
  bool changed = false;
  for (const auto& [section, rules] : sections_of(policy, sections)) {
    for (Json& rule : *rules) {
      if (is_list(rule, "src")) changed |= replace_in(rule["src"], "", others);
      if (is_list(rule, "dst")) changed |= replace_in(rule["dst"], section, others);
      // A rule for nobody is refused, unlike one for a group that has no members.
      for (const char* side : {"src", "dst"}) {
        if (is_list(rule, side) && rule[side].empty()) return std::nullopt;
      }
    }
  }
  return said_if(changed, policy);
}

Said groups_written_out(Json policy) {
  const Json groups = policy.value("groups", Json::object());
  const Others members = [&](const std::string& word) -> std::optional<std::vector<std::string>> {
    if (!groups.contains(word)) return std::nullopt;
    return groups[word].get<std::vector<std::string>>();
  };
  return with_others(std::move(policy), {"acls", "grants", "ssh"}, members);
}

Said hosts_written_out(Json policy) {
  const Json hosts = policy.value("hosts", Json::object());
  const Others address = [&](const std::string& word) -> std::optional<std::vector<std::string>> {
    if (!hosts.contains(word)) return std::nullopt;
    return std::vector{hosts[word].get<std::string>()};
  };
  return with_others(std::move(policy), {"acls", "grants"}, address);
}

Said one_each(Json policy, const char* side) {
  bool changed = false;
  for (const auto& [section, rules] : sections_of(policy, {"acls", "grants", "ssh"})) {
    Json out = Json::array();
    for (const Json& rule : *rules) {
      if (!is_list(rule, side) || rule[side].size() < 2) {
        out.push_back(rule);
        continue;
      }
      changed = true;
      for (const Json& one : rule[side]) {
        Json copy = rule;
        copy[side] = Json::array({one});
        out.push_back(std::move(copy));
      }
    }
    *rules = std::move(out);
  }
  return said_if(changed, policy);
}
Said one_source_each(Json policy) { return one_each(std::move(policy), "src"); }
Said one_destination_each(Json policy) { return one_each(std::move(policy), "dst"); }

Said everything_twice(Json policy) {
  bool changed = false;
  for (const auto& [section, rules] : sections_of(policy, {"acls", "grants"})) {
    const Json again = *rules;
    for (const Json& rule : again) rules->push_back(rule);
    changed = changed || !again.empty();
  }
  return said_if(changed, policy);
}

Said from_the_end(Json policy) {
  bool changed = false;
  for (const auto& [section, rules] : sections_of(policy, {"acls", "grants"})) {
    std::reverse(rules->begin(), rules->end());
    for (Json& rule : *rules) {
      for (const char* field : {"src", "dst", "ip"}) {
        if (is_list(rule, field)) std::reverse(rule[field].begin(), rule[field].end());
      }
      changed = true;
    }
  }
  return said_if(changed, policy);
}

bool has_only(const Json& rule, const std::set<std::string>& fields) {
  return std::ranges::all_of(
      rule.items(), [&](const auto& field) { return fields.contains(field.key()); });
}

std::string without_brackets(std::string host) {
  std::erase_if(host, [](char ch) { return ch == '[' || ch == ']'; });
  return host;
}

// Grants refuse "*" with autogroup:self, which acls take.
Said acls_as_grants(Json policy) {
  Json grants = policy.value("grants", Json::array());
  const Json acls = policy.value("acls", Json::array());
  if (acls.empty()) return std::nullopt;
  for (const Json& rule : acls) {
    const std::string protocol = rule.value("proto", "");
    if (!has_only(rule, {"action", "src", "dst", "proto"})) return std::nullopt;
    if (!std::set<std::string>{"", "tcp", "udp", "sctp"}.contains(protocol)) return std::nullopt;
    for (const std::string word : rule["dst"]) {
      const Target target = target_of("acls", word);
      const bool from_all = std::ranges::count(rule["src"], Json("*")) != 0;
      if (from_all && target.host == "autogroup:self") return std::nullopt;
      Json ip = Json::array();
      std::string ports = target.ports.substr(1) + ',';
      for (std::size_t end; (end = ports.find(',')) != std::string::npos; ports.erase(0, end + 1)) {
        ip.push_back((protocol.empty() ? "" : protocol + ':') + ports.substr(0, end));
      }
      grants.push_back(
          {{"src", rule["src"]}, {"dst", {without_brackets(target.host)}}, {"ip", std::move(ip)}});
    }
  }
  policy.erase("acls");
  policy["grants"] = std::move(grants);
  return policy;
}

Said grants_as_acls(Json policy) {
  Json acls = policy.value("acls", Json::array());
  const Json grants = policy.value("grants", Json::array());
  if (grants.empty()) return std::nullopt;
  for (const Json& rule : grants) {
    if (!has_only(rule, {"src", "dst", "ip"}) || !is_list(rule, "ip")) return std::nullopt;
    for (const std::string ip : rule["ip"]) {
      const std::size_t colon = ip.find(':');
      const std::string ports = colon == std::string::npos ? ip : ip.substr(colon + 1);
      Json acl = {{"action", "accept"}, {"src", rule["src"]}, {"dst", Json::array()}};
      if (colon != std::string::npos) acl["proto"] = ip.substr(0, colon);
      for (std::string host : rule["dst"]) {
        const bool is_v6 = std::ranges::count(host, ':') > 1;
        acl["dst"].push_back((is_v6 ? '[' + host + ']' : host) + ':' + ports);
      }
      acls.push_back(std::move(acl));
    }
  }
  policy.erase("grants");
  policy["acls"] = std::move(acls);
  return policy;
}

// Names that the policy gives itself are no keys.
Json in_capitals(const Json& value) {
  static const std::set<std::string> kNames = {"groups", "hosts", "tagOwners", "app", "routes"};
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& one : value) out.push_back(in_capitals(one));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, inner] : value.items()) {
    std::string key = name;
    for (char& ch : key) ch = static_cast<char>(std::toupper(ch));
    out[key] = kNames.contains(name) ? inner : in_capitals(inner);
  }
  return out;
}
Said keys_in_capitals(Json policy) { return in_capitals(policy); }

Said old_names(Json policy) {
  bool changed = false;
  for (const auto& [section, rules] : sections_of(policy, {"acls"})) {
    for (Json& rule : *rules) {
      rule["users"] = std::move(rule["src"]);
      rule["ports"] = std::move(rule["dst"]);
      rule.erase("src");
      rule.erase("dst");
      changed = true;
    }
  }
  return said_if(changed, policy);
}

}  // namespace

std::span<const Wording> wordings() {
  static constexpr std::array kWordings = {
      Wording{"groups written out", groups_written_out},
      Wording{"hosts written out", hosts_written_out},
      Wording{"one source each", one_source_each},
      Wording{"one destination each", one_destination_each},
      Wording{"everything twice", everything_twice},
      Wording{"from the end", from_the_end},
      Wording{"acls as grants", acls_as_grants},
      Wording{"grants as acls", grants_as_acls},
      Wording{"keys in capitals", keys_in_capitals},
      Wording{"old names", old_names},
  };
  return kWordings;
}

}  // namespace aya::test
