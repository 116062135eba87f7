// `acls` and `grants`.
#include <algorithm>

#include "coord-server/policy_file/file_reader.h"
#include "coord-server/policy_file/names.h"

namespace aya::policy_file {
namespace {

using Want = Selector::Kind;

constexpr const char* kSelfSources =
    "autogroup:self can only be used with users, groups, or supported autogroups";

// May these be the sources of a rule about everybody's own devices?
bool may_reach_themselves(const Selector& source, bool is_acl) {
  switch (source.kind) {
    case Want::User:
    case Want::UserDomain:
    case Want::Group:
    case Want::Member:
    case Want::Role:
      return true;
    case Want::Any:
      return is_acl;
    default:
      return false;
  }
}

std::optional<Refusal> check_source(const Context& c, Selector& source) {
  if (source.is(Want::Self) || source.is(Want::Internet) || source.is(Want::Nonroot) ||
      source.is(Want::Service)) {
    return refuse("cannot use " + source.text + " as a src");
  }
  if (auto missing = resolve(c, source)) return refuse("src=" + missing->message);
  return std::nullopt;
}

std::optional<Refusal> check_destination(const Context& c, Selector& destination) {
  if (destination.is(Want::DangerAll) || destination.is(Want::Shared) ||
      destination.is(Want::Nonroot)) {
    return refuse("cannot use " + destination.text + " as a dst");
  }
  if (auto missing = resolve(c, destination)) return refuse("dst=" + missing->message);
  if (destination.prefix && destination.prefix->length == 0) {
    return refuse(
        "dst " + quoted(destination.text) +
        R"(: to allow all IP addresses, use "*" or "autogroup:internet")");
  }
  return std::nullopt;
}

std::optional<Refusal> check_ends(const Context& c, AccessRule& rule, bool is_acl) {
  for (Selector& source : rule.src) {
    if (auto refusal = check_source(c, source)) return refusal;
  }
  for (Selector& destination : rule.dst) {
    if (auto refusal = check_destination(c, destination)) return refusal;
  }
  const bool to_self =
      std::ranges::any_of(rule.dst, [](const Selector& dst) { return dst.is(Want::Self); });
  const bool fine = std::ranges::all_of(
      rule.src, [&](const Selector& source) { return may_reach_themselves(source, is_acl); });
  if (to_self && !fine) return refuse(kSelfSources);
  return std::nullopt;
}

std::optional<Refusal> check_postures(const Context& c, const AccessRule& rule) {
  for (const std::string& posture : rule.src_posture) {
    if (!c.policy.postures.contains(posture)) {
      return refuse("srcPosture=posture not found: " + quoted(posture));
    }
  }
  return std::nullopt;
}

struct PortsOfDestination {
  std::string to;
  std::vector<PortRange> ports;
};

Read<PortsOfDestination> split_destination(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refuse("dst=" + quoted(text) + ": missing port");
  auto ports = parse_ports(std::string_view(text).substr(colon + 1));
  if (!ports) return refuse("dst=" + quoted(text) + ": " + ports.error());
  return PortsOfDestination{text.substr(0, colon), std::move(*ports)};
}

Read<std::vector<std::int64_t>> protocols_of(const std::string& proto) {
  std::vector<std::int64_t> out;
  if (proto.empty()) return out;
  const auto number = parse_protocol(proto);
  if (!number) return refuse("proto=" + quoted(proto) + ": unknown protocol");
  out.push_back(*number);
  return out;
}

// One rule for each set of ports among the destinations.
Read<void> add_destinations(
    const Context& c, const AccessRule& start, const std::vector<std::string>& destinations,
    const std::vector<std::int64_t>& protocols) {
  std::vector<AccessRule> rules;
  for (const std::string& text : destinations) {
    auto split = split_destination(text);
    if (!split) return split.error();
    if (!protocols.empty() && !has_ports(protocols[0]) && names_ports(split->ports)) {
      return refuse("dst=" + quoted(text) + ": this protocol has no ports; want \"*\"");
    }
    const std::vector<Service> services = {{protocols, split->ports}};
    auto same = std::ranges::find(rules, services, &AccessRule::services);
    if (same == rules.end()) {
      same = rules.insert(rules.end(), start);
      same->services = services;
    }
    same->dst.push_back(parse_selector(split->to));
  }
  if (rules.empty()) rules.push_back(start);  // its sources are to be checked all the same
  for (AccessRule& rule : rules) {
    if (auto refusal = check_ends(c, rule, true)) return *refusal;
    c.policy.rules.push_back(std::move(rule));
  }
  return {};
}

std::size_t next_entry(const Context& c) {
  return c.policy.rules.empty() ? 0 : c.policy.rules.back().entry + 1;
}

Read<void> read_access_list(const Context& c, const Value& value) {
  auto fields = Fields::of(value, "acls");
  if (!fields) return fields.error();
  const std::string action = fields->text("action");
  auto sources = fields->texts("src");
  for (std::string& old : fields->texts("users")) sources.push_back(std::move(old));
  auto destinations = fields->texts("dst");
  for (std::string& old : fields->texts("ports")) destinations.push_back(std::move(old));
  const std::string proto = fields->text("proto");
  AccessRule rule;
  rule.at = value.at;
  rule.entry = next_entry(c);
  rule.src_posture = fields->texts("srcPosture");
  if (auto refusal = fields->done()) return *refusal;
  if (action != "accept") return refuse("action=" + quoted(action) + " is not supported");
  auto protocols = protocols_of(proto);
  if (!protocols) return protocols.error();
  rule.src = selectors(sources);
  if (auto refusal = check_postures(c, rule)) return *refusal;
  return add_destinations(c, rule, destinations, *protocols);
}

// {"domain/cap": [value, …]}
Read<control::CapMap> read_app(const Value* value, const std::string& what) {
  control::CapMap out;
  if (value == nullptr) return out;
  if (!value->is(Kind::Object)) return refuse_at(value->at, what + ": want an object");
  for (const Member& member : value->members) {
    if (const auto fault = fault_of_capability(member.name)) {
      return refuse("app " + quoted(member.name) + ": " + *fault);
    }
    auto& values = out[member.name];
    if (member.value.is(Kind::Null)) continue;
    if (!member.value.is(Kind::Array)) {
      return refuse_at(member.value.at, what + '.' + member.name + ": want a list");
    }
    for (const Value& item : member.value.items) values.push_back({hujson::to_json(item)});
  }
  return out;
}

std::optional<Refusal> check_via(const Context& c, const AccessRule& rule) {
  for (const std::string& tag : rule.via) {
    Selector selector = parse_selector(tag);
    if (!selector.is(Want::Tag)) return refuse("via can only be a tag");
    if (auto missing = resolve(c, selector)) return refuse("via=" + missing->message);
  }
  return std::nullopt;
}

std::optional<Refusal> check_app(const AccessRule& rule) {
  const bool internet =
      std::ranges::any_of(rule.dst, [](const Selector& dst) { return dst.is(Want::Internet); });
  if (!rule.app.empty() && internet) return refuse("cannot use app grants with autogroup:internet");
  return std::nullopt;
}

Read<void> read_grant(const Context& c, const Value& value) {
  auto fields = Fields::of(value, "grants");
  if (!fields) return fields.error();
  AccessRule rule;
  rule.at = value.at;
  rule.entry = next_entry(c);
  rule.src = selectors(fields->texts("src"));
  rule.dst = selectors(fields->texts("dst"));
  const auto ip = fields->texts("ip");
  rule.via = fields->texts("via");
  rule.src_posture = fields->texts("srcPosture");
  auto app = read_app(fields->value("app"), "grants.app");
  if (!app) return app.error();
  rule.app = std::move(*app);
  if (auto refusal = fields->done()) return *refusal;
  if (ip.empty() && rule.app.empty()) return refuse("ip and app can not both be empty");
  for (const std::string& text : ip) {
    auto service = parse_service(text);
    if (!service) return refuse(service.error());
    rule.services.push_back(std::move(*service));
  }
  for (const auto& refusal :
       {check_via(c, rule), check_ends(c, rule, false), check_app(rule), check_postures(c, rule)}) {
    if (refusal) return *refusal;
  }
  c.policy.rules.push_back(std::move(rule));
  return {};
}

template <class Each>
Read<void> each_of(const Context& c, const Value& value, const char* section, Each each) {
  if (!value.is(Kind::Array)) {
    return refuse_at(value.at, std::string(section) + ": want a list");
  }
  for (const Value& item : value.items) {
    if (auto read = each(c, item); !read) return read.error();
  }
  return {};
}

}  // namespace

Read<void> read_access_lists(const Context& c, const Value& value) {
  return each_of(c, value, "acls", read_access_list);
}

Read<void> read_grants(const Context& c, const Value& value) {
  return each_of(c, value, "grants", read_grant);
}

}  // namespace aya::policy_file
