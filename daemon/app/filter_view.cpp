#include "daemon/app/filter_view.h"

#include "daemon/filter/address_set.h"
#include "daemon/filter/rules.h"
#include "proto/control/json_text.h"
#include "proto/control/json_writer.h"

namespace aya::app {
namespace {

using control::FilterRule;
using control::JsonWriter;

void write_protocols(JsonWriter& json, const FilterRule& rule) {
  json.begin_array();
  if (rule.ip_proto.empty()) {
    for (const std::uint8_t number : filter::kDefaultProtocols) json.integer(number);
  }
  for (const std::int64_t number : rule.ip_proto) json.integer(number);
  json.end_array();
}

void write_sources(JsonWriter& json, const FilterRule& rule) {
  std::vector<std::string> holders;
  json.key("Srcs");
  json.begin_array();
  for (const std::string& text : rule.src_ips) {
    const auto set = filter::parse_address_set(text);
    if (!set) continue;
    if (const auto* nodes = std::get_if<filter::NodesWithCapability>(&*set)) {
      holders.push_back(nodes->capability);
      continue;
    }
    for (const Prefix& prefix : std::get<std::vector<Prefix>>(*set)) json.text(prefix.to_text());
  }
  json.end_array();
  json.key("SrcCaps");
  if (holders.empty()) return json.null();
  json.begin_array();
  for (const std::string& capability : holders) json.text(capability);
  json.end_array();
}

void write_port_range(JsonWriter& json, const Prefix& prefix, const control::PortRange& ports) {
  json.begin_object();
  json.key("Net");
  json.text(prefix.to_text());
  json.key("Ports");
  json.begin_object();
  json.key("First");
  json.integer(ports.first);
  json.key("Last");
  json.integer(ports.last);
  json.end_object();
  json.end_object();
}

void write_destinations(JsonWriter& json, const FilterRule& rule) {
  json.begin_array();
  for (const control::NetPortRange& range : rule.dst_ports) {
    const auto set = filter::parse_address_set(range.ip);
    const auto* prefixes = set ? std::get_if<std::vector<Prefix>>(&*set) : nullptr;
    if (prefixes == nullptr) continue;
    for (const Prefix& prefix : *prefixes) write_port_range(json, prefix, range.ports);
  }
  json.end_array();
}

void write_capability(
    JsonWriter& json, const Prefix& to, std::string_view name,
    const std::vector<control::RawJson>* values) {
  json.begin_object();
  json.key("Dst");
  json.text(to.to_text());
  json.key("Cap");
  json.text(name);
  json.key("Values");
  if (values == nullptr) {
    json.null();
  } else {
    json.begin_array();
    for (const control::RawJson& value : *values) json.literal(value.text);
    json.end_array();
  }
  json.end_object();
}

void write_capabilities(JsonWriter& json, const FilterRule& rule) {
  json.begin_array();
  for (const control::CapGrant& grant : rule.cap_grants) {
    for (const Prefix& to : grant.dsts) {
      for (const std::string& name : grant.caps) write_capability(json, to, name, nullptr);
      for (const auto& [name, values] : grant.cap_map) write_capability(json, to, name, &values);
    }
  }
  json.end_array();
}

}  // namespace

local::RawJson show_filter_rules(const control::FilterRules& rules) {
  return {control::encode(rules)};
}

local::RawJson show_filter_matches(const control::FilterRules& rules) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const FilterRule& rule : rules) {
    json.begin_object();
    json.key("IPProto");
    write_protocols(json, rule);
    write_sources(json, rule);
    json.key("Dsts");
    write_destinations(json, rule);
    json.key("Caps");
    write_capabilities(json, rule);
    json.end_object();
  }
  json.end_array();
  return {std::move(out)};
}

}  // namespace aya::app
