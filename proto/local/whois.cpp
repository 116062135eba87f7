#include "proto/local/whois.h"

#include "proto/local/json_fields.h"

namespace aya::local {
namespace {

void read_node(const Json& value, WhoIsSummary& out, Fields& outer) {
  Fields node(value);
  std::string dns_name, computed;
  node.read("Name", dns_name);
  node.read("ComputedName", computed);
  node.read("StableID", out.stable_id);
  node.read("Addresses", out.addresses);
  node.read("AllowedIPs", out.allowed_ips);
  node.read("Tags", out.tags);
  if (node.failed()) return outer.fail("Node", "a node (" + node.error() + ")");
  if (dns_name.ends_with('.')) dns_name.pop_back();
  out.name = dns_name.empty() ? computed : dns_name;
}

}  // namespace

std::string to_json(const WhoIs& who) {
  Json node = to_json_value(who.node);
  if (!node.is_object()) node = Json::object();  // readers refuse null
  const Json out = {
      {"Node", std::move(node)},
      {"UserProfile", to_json_value(who.user)},
      {"CapMap", to_json_value(who.cap_map)}};
  std::string text = dump_indented(out);
  text.pop_back();
  return text;
}

Result<WhoIsSummary, ParseError> parse_whois(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  WhoIsSummary out;
  if (const Json* node = in.find("Node")) read_node(*node, out, in);
  in.read("UserProfile", out.user);
  if (const Json* caps = in.find("CapMap")) {
    if (!caps->is_object()) return ParseError::BadValue;
    for (const auto& entry : caps->items()) {
      out.capabilities.emplace_back(entry.key(), dump_line(entry.value()));
    }
  }
  if (in.failed()) return ParseError::BadValue;
  return out;
}

}  // namespace aya::local
