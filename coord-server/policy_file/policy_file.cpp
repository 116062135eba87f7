#include "coord-server/policy_file/policy_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "coord-server/nodes/address_rules.h"
#include "coord-server/policy_file/file_reader.h"
#include "coord-server/policy_file/names.h"

namespace aya::policy_file {
namespace {

using Want = Selector::Kind;

std::string named(const char* section, std::string_view name) {
  return std::string(section) + '[' + quoted(name) + ']';
}

Read<std::vector<std::string>> texts_of(const Value& value, const std::string& what) {
  std::vector<std::string> out;
  if (value.is(Kind::Null)) return out;
  const bool fine =
      value.is(Kind::Array) &&
      std::ranges::all_of(value.items, [](const Value& item) { return item.is(Kind::String); });
  if (!fine) return refuse_at(value.at, what + ": want a list of strings");
  for (const Value& item : value.items) out.push_back(item.text);
  return out;
}

// Each member of an object whose values are lists of strings.
template <class Take>
Read<void> each_list(const Value& value, const char* section, Take take) {
  if (!value.is(Kind::Object))
    return refuse_at(value.at, std::string(section) + ": want an object");
  for (const Member& member : value.members) {
    auto texts = texts_of(member.value, named(section, member.name));
    if (!texts) return texts.error();
    if (Read<void> taken = take(member.name, std::move(*texts)); !taken) return taken.error();
  }
  return {};
}

// Groups hold people. The innermost group at fault is told: its member is what to change first.
std::optional<Refusal> fault_of_members(
    const PolicyFile& policy, const std::string& group, std::set<std::string>& seen) {
  if (!seen.insert(group).second) return std::nullopt;
  const auto found = policy.groups.find(group);
  if (found == policy.groups.end()) return std::nullopt;
  for (const std::string& member : found->second) {
    const std::string where = named("groups", group) + ": " + quoted(member) + ": ";
    const Want kind = parse_selector(member).kind;
    if (kind == Want::Group) {
      if (auto inner = fault_of_members(policy, member, seen)) return inner;
      return refuse(where + "group members cannot be recursive");
    }
    if (kind != Want::User) return refuse(where + "group members must be users");
  }
  return std::nullopt;
}

Read<void> read_groups(const Context& c, const Value& value) {
  auto read = each_list(value, "groups", [&](const std::string& name, auto members) -> Read<void> {
    if (auto fault = fault_of_group(name)) return refuse(named("groups", name) + ": " + *fault);
    c.policy.groups[name] = std::move(members);
    return {};
  });
  if (!read) return read.error();
  for (const auto& [group, members] : c.policy.groups) {
    std::set<std::string> seen;
    if (auto fault = fault_of_members(c.policy, group, seen)) return *fault;
  }
  return {};
}

Read<void> read_hosts(const Context& c, const Value& value) {
  if (!value.is(Kind::Object)) return refuse_at(value.at, "hosts: want an object");
  for (const Member& member : value.members) {
    if (!member.value.is(Kind::String)) {
      return refuse_at(member.value.at, named("hosts", member.name) + ": want an address");
    }
    const auto prefix = parse_address_or_prefix(member.value.text);
    if (!prefix) {
      return refuse(
          named("hosts", member.name) + ": invalid IP address or prefix " +
          quoted(member.value.text));
    }
    c.policy.hosts[member.name] = *prefix;
  }
  return {};
}

Read<void> read_tag_owners(const Context& c, const Value& value) {
  return each_list(
      value, "tagOwners", [&](const std::string& name, const auto& owners) -> Read<void> {
        if (auto fault = fault_of_tag(name))
          return refuse(named("tagOwners", name) + ": " + *fault);
        c.policy.tag_owners[name] = selectors(owners);
        return {};
      });
}

// Owners may be tags that stand further down, so they are looked up when all are known.
std::optional<Refusal> check_tag_owners(const Context& c) {
  for (auto& [tag, owners] : c.policy.tag_owners) {
    for (Selector& owner : owners) {
      const bool fits = owner.is(Want::User) || owner.is(Want::Group) || owner.is(Want::Tag) ||
                        owner.is(Want::UserDomain) || owner.is(Want::Member) ||
                        owner.is(Want::Role);
      const std::string where = named("tagOwners", tag) + ": ";
      if (!fits) return refuse(where + "invalid owner " + quoted(owner.text));
      if (auto missing = resolve(c, owner)) return refuse(where + missing->message);
    }
  }
  return std::nullopt;
}

Read<void> read_ip_sets(const Context& c, const Value& value) {
  return each_list(value, "ipsets", [&](const std::string& name, const auto& steps) -> Read<void> {
    if (!name.starts_with("ipset:") || name.size() == 6) {
      return refuse(named("ipsets", name) + ": ipset names must start with 'ipset:'");
    }
    auto& out = c.policy.ip_sets[name];
    for (std::string_view text : steps) {
      IpSetStep step;
      step.remove = text.starts_with("remove ");
      if (step.remove || text.starts_with("add ")) text.remove_prefix(text.find(' ') + 1);
      step.what = parse_selector(text);
      out.push_back(std::move(step));
    }
    return {};
  });
}

// Sets may contain sets, but none itself.
std::optional<Refusal> check_ip_set(
    const Context& c, const std::string& name, std::vector<std::string>& inside) {
  if (std::ranges::count(inside, name) > 0) {
    return refuse(named("ipsets", name) + ": an ipset cannot contain itself");
  }
  inside.push_back(name);
  for (IpSetStep& step : c.policy.ip_sets[name]) {
    const bool fits =
        step.what.is(Want::Address) || step.what.is(Want::Host) || step.what.is(Want::IpSet);
    const std::string where = named("ipsets", name) + ": ";
    if (!fits) return refuse(where + "invalid entry " + quoted(step.what.text));
    if (auto missing = resolve(c, step.what)) return refuse(where + missing->message);
    if (!step.what.is(Want::IpSet)) continue;
    if (auto fault = check_ip_set(c, step.what.text, inside)) return fault;
  }
  inside.pop_back();
  return std::nullopt;
}

Read<void> read_postures(const Context& c, const Value& value) {
  return each_list(
      value, "postures", [&](const std::string& name, const auto& texts) -> Read<void> {
        if (!name.starts_with("posture:") || name.size() == 8) {
          return refuse(named("postures", name) + ": posture names must start with 'posture:'");
        }
        auto& conditions = c.policy.postures[name];
        for (const std::string& text : texts) {
          auto condition = parse_condition(text);
          if (!condition) return refuse(named("postures", name) + ": " + condition.error());
          conditions.push_back(std::move(*condition));
        }
        return {};
      });
}

Read<void> read_default_posture(const Context& c, const Value& value) {
  auto texts = texts_of(value, "defaultSrcPosture");
  if (!texts) return texts.error();
  for (const std::string& posture : *texts) {
    if (!c.policy.postures.contains(posture)) {
      return refuse("defaultSrcPosture: posture not found: " + quoted(posture));
    }
  }
  c.policy.default_src_posture = std::move(*texts);
  return {};
}

Read<std::vector<Selector>> approvers(
    const Context& c, const Value& value, const std::string& where) {
  auto texts = texts_of(value, where);
  if (!texts) return texts.error();
  auto out = selectors(*texts);
  for (Selector& approver : out) {
    if (auto missing = resolve(c, approver)) return refuse(where + ": " + missing->message);
  }
  return out;
}

Read<void> read_auto_routes(const Context& c, const Value& value) {
  if (!value.is(Kind::Object)) return refuse_at(value.at, "autoApprovers.routes: want an object");
  for (const Member& member : value.members) {
    const std::string where = named("autoApprovers.routes", member.name);
    const auto prefix = parse_address_or_prefix(member.name);
    if (!prefix) return refuse(where + ": invalid prefix");
    auto allowed = approvers(c, member.value, where);
    if (!allowed) return allowed.error();
    c.policy.auto_approvers.routes.emplace_back(*prefix, std::move(*allowed));
  }
  return {};
}

Read<void> read_auto_services(const Context& c, const Value& value) {
  if (!value.is(Kind::Object)) return refuse_at(value.at, "autoApprovers.services: want an object");
  for (const Member& member : value.members) {
    auto allowed = approvers(c, member.value, named("autoApprovers.services", member.name));
    if (!allowed) return allowed.error();
    c.policy.auto_approvers.services[member.name] = std::move(*allowed);
  }
  return {};
}

Read<void> read_auto_approvers(const Context& c, const Value& value) {
  auto fields = Fields::of(value, "autoApprovers");
  if (!fields) return fields.error();
  const Value* routes = fields->value("routes");
  const Value* exit_node = fields->value("exitNode");
  const Value* services = fields->value("services");
  if (auto refusal = fields->done()) return *refusal;
  if (routes != nullptr) {
    if (auto read = read_auto_routes(c, *routes); !read) return read.error();
  }
  if (services != nullptr) {
    if (auto read = read_auto_services(c, *services); !read) return read.error();
  }
  if (exit_node == nullptr) return {};
  auto allowed = approvers(c, *exit_node, "autoApprovers.exitNode");
  if (!allowed) return allowed.error();
  c.policy.auto_approvers.exit_node = std::move(*allowed);
  return {};
}

// Addresses are given out of these: they must be what nodes may have.
Read<Prefix> read_pool(const std::string& text) {
  const auto pool = Prefix::parse(text);
  const std::string where = "IPPool(" + text + "): ";
  if (!pool || !pool->is_canonical()) return refuse(where + "invalid network");
  if (!pool->address.is_v4() || pool->length < nodes::kOverlayV4.length ||
      !nodes::kOverlayV4.contains(pool->address)) {
    return refuse(where + "network must be within 100.64.0.0/10");
  }
  if (nodes::rule_for_v4(pool->address) == nodes::AddressRule::Reserved && pool->length >= 23) {
    return refuse(where + "network within reserved range");
  }
  return *pool;
}

std::optional<Refusal> check_target(const Context& c, Selector& target) {
  // The hosted service breaks down over this one; what it answers is what tools have seen.
  if (target.is(Want::Self)) return Refusal{500, "internal server error"};
  if (target.is(Want::Internet) || target.is(Want::DangerAll) || target.is(Want::Nonroot)) {
    return refuse("cannot use " + target.text + " as a nodeAttrs target");
  }
  return resolve(c, target);
}

Read<void> read_node_attribute(const Context& c, const Value& value) {
  auto fields = Fields::of(value, "nodeAttrs");
  if (!fields) return fields.error();
  NodeAttribute out;
  out.target = selectors(fields->texts("target"));
  for (const std::string& name : fields->texts("attr")) out.caps[name];
  const auto pools = fields->texts("ipPool");
  if (const Value* app = fields->value("app")) {
    if (!app->is(Kind::Object)) return refuse_at(app->at, "nodeAttrs.app: want an object");
    for (const Member& member : app->members) {
      auto& values = out.caps[member.name];
      for (const Value& item : member.value.items) values.push_back({hujson::to_json(item)});
    }
  }
  if (auto refusal = fields->done()) return *refusal;
  for (const std::string& text : pools) {
    auto pool = read_pool(text);
    if (!pool) return pool.error();
    out.ip_pool.push_back(*pool);
  }
  for (Selector& target : out.target) {
    if (auto refusal = check_target(c, target)) return *refusal;
  }
  c.policy.node_attrs.push_back(std::move(out));
  return {};
}

Read<void> read_node_attributes(const Context& c, const Value& value) {
  if (!value.is(Kind::Array)) return refuse_at(value.at, "nodeAttrs: want a list");
  for (const Value& item : value.items) {
    if (auto read = read_node_attribute(c, item); !read) return read.error();
  }
  return {};
}

Read<void> read_flag(const Value& value, const char* name, bool& out) {
  if (!value.is(Kind::Bool)) return refuse_at(value.at, std::string(name) + ": want true or false");
  out = value.flag;
  return {};
}

Read<void> read_randomize(const Context& c, const Value& value) {
  return read_flag(value, "randomizeClientPort", c.policy.randomize_client_port);
}

Read<void> read_disable_v4(const Context& c, const Value& value) {
  return read_flag(value, "disableIPv4", c.policy.disable_ipv4);
}

Read<void> read_one_cgnat(const Context& c, const Value& value) {
  static constexpr std::array<std::string_view, 3> kWords = {"", "mac-always", "mac-never"};
  if (!value.is(Kind::String) || std::ranges::count(kWords, value.text) == 0) {
    return refuse_at(value.at, R"(OneCGNATRoute: want "", "mac-always" or "mac-never")");
  }
  if (!value.text.empty()) c.policy.one_cgnat_route = value.text == "mac-always";
  return {};
}

// A region that is null is one of the server's that this network does without.
Read<void> read_derp_map(const Context& c, const Value& value) {
  if (!value.is(Kind::Object)) return refuse_at(value.at, "derpMap: want an object");
  Value map = value;
  std::set<RegionId> left_out;
  for (Member& section : map.members) {
    if (!same_name(section.name, "Regions")) continue;
    std::erase_if(section.value.members, [&](const Member& region) {
      if (!region.value.is(Kind::Null)) return false;
      RegionId id = 0;
      const char* end = region.name.data() + region.name.size();
      const auto read = std::from_chars(region.name.data(), end, id);
      if (read.ec == std::errc() && read.ptr == end) left_out.insert(id);
      return true;
    });
  }
  auto overlay = relays::read_map(hujson::to_json(map));
  if (!overlay) return refuse_at(value.at, "derpMap: " + overlay.error());
  overlay->left_out = std::move(left_out);
  c.policy.relays = std::move(*overlay);
  return {};
}

// Sections of the hosted service that mean nothing here, taken so that a policy can move.
Read<void> read_and_leave(const Context&, const Value&) { return {}; }

struct Section {
  std::string_view name;
  Read<void> (*read)(const Context&, const Value&);
};

// In the order in which they need each other, whatever their order in the file.
constexpr std::array kSections = {
    Section{"groups", read_groups},
    Section{"hosts", read_hosts},
    Section{"tagOwners", read_tag_owners},
    Section{"ipsets", read_ip_sets},
    Section{"postures", read_postures},
    Section{"defaultSrcPosture", read_default_posture},
    Section{"acls", read_access_lists},
    Section{"grants", read_grants},
    Section{"ssh", read_ssh},
    Section{"nodeAttrs", read_node_attributes},
    Section{"autoApprovers", read_auto_approvers},
    Section{"tests", read_access_tests},
    Section{"sshTests", read_ssh_tests},
    Section{"randomizeClientPort", read_randomize},
    Section{"disableIPv4", read_disable_v4},
    Section{"OneCGNATRoute", read_one_cgnat},
    Section{"attrConfig", read_and_leave},
    Section{"derpMap", read_derp_map},
};

// What all others refer to ends here.
constexpr std::string_view kLastOfNames = "ipsets";

std::optional<Refusal> unknown_section(const Value& file) {
  for (const Member& member : file.members) {
    const bool known = std::ranges::any_of(
        kSections, [&](const Section& section) { return same_name(section.name, member.name); });
    if (!known) return refuse_at(member.at, "unknown field " + quoted(member.name));
  }
  return std::nullopt;
}

const Value* section_of(const Value& file, std::string_view name) {
  const Value* out = nullptr;
  for (const Member& member : file.members) {
    if (same_name(member.name, name)) out = &member.value;
  }
  return out == nullptr || out->is(Kind::Null) ? nullptr : out;
}

// Names that sections above refer to may stand in sections below.
Read<void> check_names(const Context& c) {
  if (auto refusal = check_tag_owners(c)) return *refusal;
  for (const auto& [name, steps] : c.policy.ip_sets) {
    std::vector<std::string> inside;
    if (auto refusal = check_ip_set(c, name, inside)) return *refusal;
  }
  return {};
}

AccessRule everything() {
  AccessRule rule;
  rule.src = rule.dst = {parse_selector("*")};
  rule.services = {{{}, {kAllPorts}}};
  return rule;
}

}  // namespace

Result<SharedPolicy, Refusal> read_policy(std::string_view text, const Realm& realm) {
  auto file = hujson::parse(text);
  if (!file) return refuse(file.error().to_text());
  if (!file->is(Kind::Object)) return refuse_at(file->at, "want an object");
  if (auto refusal = unknown_section(*file)) return *refusal;
  auto policy = std::make_shared<PolicyFile>();
  const Context context{*policy, realm};
  for (const Section& section : kSections) {
    const Value* value = section_of(*file, section.name);
    if (value != nullptr) {
      if (auto read = section.read(context, *value); !read) return read.error();
    }
    if (section.name != kLastOfNames) continue;
    if (auto checked = check_names(context); !checked) return checked.error();
  }
  if (section_of(*file, "acls") == nullptr && section_of(*file, "grants") == nullptr) {
    policy->rules.push_back(everything());
  }
  return SharedPolicy(std::move(policy));
}

Result<std::vector<AccessTest>, Refusal> read_tests(std::string_view text) {
  auto file = hujson::parse(text);
  if (!file) return refuse(file.error().to_text());
  std::vector<AccessTest> out;
  for (const Value& item : file->items) {
    auto test = read_test(item);
    if (!test) return test.error();
    out.push_back(std::move(*test));
  }
  return out;
}

constexpr std::string_view kDefaultPolicy =
    R"(// Who may reach whom in this network. Comments and trailing commas are welcome.
{
	// Names for sets of people:
	// "groups": {
	// 	"group:dev": ["alice@example.com", "bob@example.com"],
	// },

	// Machines that belong to nobody carry tags; who may set them:
	// "tagOwners": {
	// 	"tag:server": ["group:dev"],
	// },

	// Everything that is not allowed here is forbidden.
	"grants": [
		// Everybody reaches everything. Remove this entry to allow only what follows.
		{"src": ["*"], "dst": ["*"], "ip": ["*"]},
	],

	// Everybody may open a shell on their own machines.
	"ssh": [
		{
			"action": "accept",
			"src":    ["autogroup:member"],
			"dst":    ["autogroup:self"],
			"users":  ["autogroup:nonroot", "root"],
		},
	],

	// What must stay true of this file, whoever edits it:
	// "tests": [
	// 	{"src": "alice@example.com", "accept": ["tag:server:22"]},
	// ],
}
)";

}  // namespace aya::policy_file
