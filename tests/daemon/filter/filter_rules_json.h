// Filter rules as the vectors write them.
#pragma once

#include "daemon/filter/rules.h"
#include "tests/support/test_vectors.h"

namespace aya::test {

inline control::CapGrant cap_grant(const Json& json) {
  control::CapGrant grant;
  for (const Json& prefix : json.value("Dsts", Json::array())) {
    grant.dsts.push_back(Prefix::parse(prefix.get<std::string>()).value());
  }
  for (const Json& name : json.value("Caps", Json::array())) grant.caps.push_back(name);
  const Json cap_map = json.value("CapMap", Json::object());
  for (const auto& [name, values] : cap_map.items()) {
    auto& into = grant.cap_map[name];
    for (const Json& value : values.is_null() ? Json::array() : values) {
      into.push_back({value.dump()});
    }
  }
  return grant;
}

inline control::FilterRule filter_rule(const Json& json) {
  control::FilterRule rule;
  for (const Json& ip : json.value("SrcIPs", Json::array())) rule.src_ips.push_back(ip);
  for (const Json& bits : json.value("SrcBits", Json::array())) rule.src_bits.push_back(bits);
  for (const Json& protocol : json.value("IPProto", Json::array())) {
    rule.ip_proto.push_back(protocol);
  }
  for (const Json& range : json.value("DstPorts", Json::array())) {
    control::NetPortRange out;
    out.ip = range.at("IP");
    if (range.contains("Bits") && !range["Bits"].is_null()) out.bits = range["Bits"].get<int>();
    out.ports.first = range.at("Ports").at("First");
    out.ports.last = range.at("Ports").at("Last");
    rule.dst_ports.push_back(out);
  }
  for (const Json& grant : json.value("CapGrant", Json::array())) {
    rule.cap_grants.push_back(cap_grant(grant));
  }
  return rule;
}

inline std::vector<control::FilterRule> filter_rules(const Json& json) {
  std::vector<control::FilterRule> rules;
  for (const Json& rule : json.is_null() ? Json::array() : json) rules.push_back(filter_rule(rule));
  return rules;
}

}  // namespace aya::test
