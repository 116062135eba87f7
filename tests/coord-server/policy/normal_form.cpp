#include "tests/coord-server/policy/normal_form.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace aya::test {
namespace {

using policy::AddressRange;
using policy::AddressSet;

std::optional<AddressRange> range(const std::string& text) {
  if (const auto dash = text.find('-'); dash != std::string::npos) {
    return AddressRange{
        *IpAddress::parse(text.substr(0, dash)), *IpAddress::parse(text.substr(dash + 1))};
  }
  if (const auto address = IpAddress::parse(text)) return policy::range_of(Prefix::host(*address));
  return policy::range_of(*Prefix::parse(text));
}

std::string joined(const AddressSet& set) {
  std::string out;
  for (const std::string& text : set.to_texts()) out += text + ' ';
  return out;
}

std::string ports_text(std::set<std::pair<int, int>> ranges) {
  std::string out;
  int from = -1, to = -2;
  const auto flush = [&] {
    if (from >= 0) out += std::to_string(from) + '-' + std::to_string(to) + ' ';
  };
  for (const auto& [first, last] : ranges) {
    if (first > to + 1) {
      flush();
      from = first;
      to = last;
    }
    to = std::max(to, last);
  }
  flush();
  return out;
}

void add_ports(const control::FilterRules& rules, Facts& out) {
  static const std::vector<std::int64_t> kDefault = {1, 6, 17, 58};
  using Ports = std::pair<int, int>;
  std::map<std::tuple<std::int64_t, std::string, Ports>, AddressSet> sources;
  for (const auto& rule : rules) {
    for (const std::int64_t protocol : rule.ip_proto.empty() ? kDefault : rule.ip_proto) {
      for (const auto& dst : rule.dst_ports) {
        const std::string to = joined(address_set({dst.ip}));
        sources[{protocol, to, {dst.ports.first, dst.ports.last}}].add(address_set(rule.src_ips));
      }
    }
  }
  std::map<std::tuple<std::int64_t, std::string, std::string>, std::set<Ports>> ports;
  for (const auto& [key, from] : sources) {
    const auto& [protocol, to, range] = key;
    ports[{protocol, joined(from), to}].insert(range);
  }
  std::map<std::tuple<std::int64_t, std::string, std::string>, std::set<std::string>> targets;
  for (const auto& [key, ranges] : ports) {
    const auto& [protocol, from, to] = key;
    targets[{protocol, from, ports_text(ranges)}].insert(to);
  }
  for (const auto& [key, to] : targets) {
    const auto& [protocol, from, ranges] = key;
    std::string line = std::to_string(protocol) + " from " + from + "to ";
    for (const std::string& one : to) line += one;
    out.insert(line + "ports " + ranges);
  }
}

std::string values_text(const std::vector<control::RawJson>& values) {
  std::set<std::string> sorted;
  for (const auto& value : values) sorted.insert(Json::parse(value.text).dump());
  std::string out;
  for (const std::string& value : sorted) out += value + ' ';
  return out;
}

}  // namespace

AddressSet address_set(const std::vector<std::string>& texts) {
  AddressSet out;
  for (const std::string& text : texts) {
    if (text == "*") return AddressSet::everything();
    out.add(*range(text));
  }
  return out;
}

Facts facts_of(const control::FilterRules& rules) {
  Facts out;
  add_ports(rules, out);
  std::map<std::string, AddressSet> grants;
  for (const auto& rule : rules) {
    for (const auto& grant : rule.cap_grants) {
      for (const Prefix& dst : grant.dsts) {
        for (const auto& [name, values] : grant.cap_map) {
          grants["to " + dst.to_text() + ' ' + name + ' ' + values_text(values)].add(
              address_set(rule.src_ips));
        }
      }
    }
  }
  for (const auto& [what, from] : grants) out.insert("grant from " + joined(from) + what);
  return out;
}

Facts facts_of(const std::vector<control::SshRule>& rules) {
  Facts out;
  for (const auto& rule : rules) {
    std::string what = rule.action->accept ? " accept" : " ask " + rule.action->hold_and_delegate;
    for (const auto& [from, to] : rule.ssh_users) what += ' ' + from + '=' + to;
    for (const std::string& name : rule.accept_env) what += " env " + name;
    for (const auto& principal : rule.principals) out.insert(principal.node_ip + what);
  }
  return out;
}

control::FilterRules filter_of(const Json& rules) {
  control::FilterRules out;
  for (const Json& json : rules) {
    auto& rule = out.emplace_back();
    for (const Json& text : json.at("SrcIPs")) rule.src_ips.push_back(text);
    if (json.contains("IPProto")) rule.ip_proto = json["IPProto"].get<std::vector<std::int64_t>>();
    for (const Json& dst : json.value("DstPorts", Json::array())) {
      rule.dst_ports.push_back(
          {.ip = dst.at("IP"),
           .bits = {},
           .ports = {dst.at("Ports").at("First"), dst.at("Ports").at("Last")}});
    }
    for (const Json& grant : json.value("CapGrant", Json::array())) {
      auto& to = rule.cap_grants.emplace_back();
      for (const Json& dst : grant.at("Dsts"))
        to.dsts.push_back(*Prefix::parse(dst.get<std::string>()));
      const Json caps = grant.value("CapMap", Json::object());
      for (const auto& [name, values] : caps.items()) {
        auto& list = to.cap_map[name];
        for (const Json& value : values) list.push_back({value.dump()});
      }
    }
  }
  return out;
}

std::vector<control::SshRule> ssh_of(const Json& rules) {
  std::vector<control::SshRule> out;
  for (const Json& json : rules) {
    auto& rule = out.emplace_back();
    for (const Json& one : json.at("principals")) {
      rule.principals.emplace_back().node_ip = one.at("nodeIP");
    }
    rule.ssh_users = json.at("sshUsers").get<std::map<std::string, std::string>>();
    rule.accept_env = json.value("acceptEnv", std::vector<std::string>());
    auto& action = rule.action.emplace();
    action.accept = json.at("action").value("accept", false);
    action.hold_and_delegate = json.at("action").value("holdAndDelegate", "");
  }
  return out;
}

Json capabilities_between(
    const control::FilterRules& filter, const policy::Device& self, const policy::Device& peer) {
  std::map<std::string, std::set<std::string>> found;
  for (const auto& rule : filter) {
    if (!address_set(rule.src_ips).contains(peer.ipv4)) continue;
    for (const auto& grant : rule.cap_grants) {
      const bool here = std::ranges::any_of(
          grant.dsts, [&](const Prefix& dst) { return dst.contains(self.ipv4); });
      if (!here) continue;
      for (const auto& [name, values] : grant.cap_map) {
        for (const auto& value : values) found[name].insert(Json::parse(value.text).dump());
        found[name];
      }
    }
  }
  Json out = Json::object();
  for (const auto& [name, values] : found) out[name] = values;
  return out;
}

}  // namespace aya::test
