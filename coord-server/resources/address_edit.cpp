// Machines' addresses, changed live (interfaces 1.5):
//
//   POST /api/v2/device/{id}/ip
//        {"ipv4"} | {"ipv6"} | {"swapWith": id} | {"fromPool": true}
//   POST /api/v2/device/{id}/ip/undo
//        back to before the last change, with everyone it moved
//   POST /api/v2/tailnet/{t}/device-ips
//        {"assignments": [{"nodeId", "ipv4" and/or "ipv6"}]}
//
// Each takes "graceSeconds", for which machines also answer at their former addresses, and the
// queries force=true and dryRun=true. All end in one place: wishes, checked as a whole, carried out
// as a whole. The reply says what changed and what does not work any more because of it; only a
// plain edit of an IPv4 address that breaks nothing is answered by {}, as other servers do, unless
// report=true asks.
#include <algorithm>

#include "coord-server/nodes/address_breaks.h"
#include "coord-server/nodes/address_plan.h"
#include "coord-server/nodes/address_rules.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/wished_address.h"
#include "coord-server/api/json.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

constexpr auto kLongestGrace = std::chrono::days(30);
constexpr std::size_t kLargestPlan = 10'000;

using nodes::AddressWish;

// What is to be done, and how the audit log calls it.
struct Wanted {
  store::AccountId account;
  std::vector<AddressWish> wishes;
  std::string how;        // "swap with db1"; empty for a plain edit
  bool by_line = false;   // refusals are told line by line
  bool is_plain = false;  // as other servers know it
};

bool asks(const AdminContext& c, std::string_view query) {
  return http::query_value(c.request.query(), query) == "true";
}

Answer<nodes::PlanOptions> options_from(
    const AdminContext& c, const Json& body, store::AccountId account) {
  auto options = plan_options(c, account);
  if (!options) return options.error();
  auto seconds = number_field(body, "graceSeconds");
  if (!seconds) return seconds.error();
  const std::int64_t longest = std::chrono::seconds(kLongestGrace).count();
  if (*seconds < 0 || *seconds > longest) {
    return ApiError::bad_request("graceSeconds: want 0 to " + std::to_string(longest));
  }
  if (*seconds > 0) options->grace_until = c.now + std::chrono::seconds(*seconds);
  return options;
}

Answer<IpAddress> ipv4_from(const Json& object) {
  auto text = text_field(object, "ipv4");
  if (!text) return text.error();
  const auto address = nodes::parse_canonical_v4(*text);
  if (!address) return ApiError::bad_request(in_quotes(*text) + ": invalid IPv4 address");
  return *address;
}

Answer<IpAddress> ipv6_from(const Json& object) {
  auto text = text_field(object, "ipv6");
  if (!text) return text.error();
  const auto address = IpAddress::parse(*text);
  if (!address || !address->is_v6()) {
    return ApiError::bad_request(in_quotes(*text) + ": invalid IPv6 address");
  }
  return *address;
}

// "ipv4", "ipv6" or both, for one device.
Answer<std::vector<AddressWish>> addresses_from(const Json& object, store::NodeId node) {
  std::vector<AddressWish> out;
  if (object.contains("ipv4")) {
    auto address = ipv4_from(object);
    if (!address) return address.error();
    out.push_back({node, *address});
  }
  if (object.contains("ipv6")) {
    auto address = ipv6_from(object);
    if (!address) return address.error();
    out.push_back({node, *address});
  }
  if (out.empty()) return ApiError::bad_request("ipv4: want a string");
  return out;
}

Answer<Wanted> swap_wanted(const AdminContext& c, const nodes::Node& node, const Json& body) {
  auto other_id = text_field(body, "swapWith");
  if (!other_id) return other_id.error();
  auto other = c.device(*other_id);
  if (!other) return other.error();
  if ((*other)->account() != node.account()) return ApiError::not_found("device");
  if ((*other)->id() == node.id()) {
    return ApiError::bad_request("swapWith: want another device than this one");
  }
  return Wanted{
      node.account(),
      {{node.id(), (*other)->record.ipv4}, {(*other)->id(), node.record.ipv4}},
      "swap of " + node.record.label + " and " + (*other)->record.label};
}

Answer<Wanted> edit_wanted(const AdminContext& c, const nodes::Node& node, const Json& body) {
  if (body.contains("swapWith")) return swap_wanted(c, node, body);
  auto from_pool = flag_field(body, "fromPool");
  if (!from_pool) return from_pool.error();
  if (*from_pool) {
    auto address = c.enrollment.addresses().ipv4_for(node.record, c.now);
    if (!address) return ApiError::conflict(address.error());
    return Wanted{node.account(), {{node.id(), *address}}, "from the pool"};
  }
  auto wishes = addresses_from(body, node.id());
  if (!wishes) return wishes.error();
  return Wanted{node.account(), std::move(*wishes), "", false, body.size() == 1};
}

Answer<Wanted> plan_wanted(const AdminContext& c, const store::Account& account, const Json& body) {
  const auto lines = body.find("assignments");
  if (lines == body.end() || !lines->is_array() || lines->empty()) {
    return ApiError::bad_request("assignments: want a list of {nodeId, ipv4}");
  }
  if (lines->size() > kLargestPlan) {
    return ApiError::bad_request("assignments: at most " + std::to_string(kLargestPlan));
  }
  Wanted wanted{account.id, {}, "plan of " + std::to_string(lines->size()) + " lines", true};
  for (const Json& line : *lines) {
    if (!line.is_object()) {
      return ApiError::bad_request("assignments: want a list of {nodeId, ipv4}");
    }
    auto id = text_field(line, "nodeId");
    if (!id) return id.error();
    auto node = c.device(*id);
    if (!node || (*node)->account() != account.id) {
      return ApiError{404, "device " + in_quotes(*id) + " not found"};
    }
    auto wishes = addresses_from(line, (*node)->id());
    if (!wishes) {
      return ApiError::bad_request((*node)->record.label + ": " + wishes.error().message);
    }
    wanted.wishes.insert(wanted.wishes.end(), wishes->begin(), wishes->end());
  }
  return wanted;
}

bool is_outside_pool(const AdminContext& c, const store::AddressMove& move) {
  if (move.to.is_v6()) return false;
  const auto pool = c.enrollment.addresses().pool_for(c.registry.find(move.node)->record);
  return std::ranges::none_of(pool, [&](const Prefix& p) { return p.contains(move.to); });
}

std::vector<store::AuditEntry> entries_for(
    const AdminContext& c, const store::AddressChange& change, const std::string& how) {
  std::vector<store::AuditEntry> out;
  for (const store::AddressMove& move : change.moves) {
    const nodes::Node& node = *c.registry.find(move.node);
    store::AuditEntry& entry = out.emplace_back(c.audit("UPDATE", "NODE"));
    entry.account = change.account;
    entry.target_id = node.record.stable_id;
    entry.target_name = c.registry.full_name(node);
    entry.property = "ADDRESS";
    entry.old_value = text_of(Json::array({move.from.to_text()}));
    entry.new_value = text_of(Json::array({move.to.to_text()}));
    entry.details = how;
    const auto add = [&](const std::string& text) {
      entry.details += (entry.details.empty() ? "" : "; ") + text;
    };
    if (is_outside_pool(c, move)) add("outside ipPool");
    if (change.grace_until) add("both addresses until " + to_rfc3339(*change.grace_until));
  }
  return out;
}

// What changes and what breaks, taken from before the change.
Json report(
    const AdminContext& c, const store::AddressChange& change,
    const std::vector<nodes::Break>& breaks) {
  Json out = {{"changes", Json::array()}, {"breaks", Json::array()}};
  for (const store::AddressMove& move : change.moves) {
    const nodes::Node& node = *c.registry.find(move.node);
    out["changes"].push_back(
        {{"nodeId", node.record.stable_id},
         {"name", c.registry.full_name(node)},
         {"old", move.from.to_text()},
         {"new", move.to.to_text()}});
  }
  for (const nodes::Break& one : breaks) {
    out["breaks"].push_back(
        {{"kind", one.kind},
         {"nodeId", c.registry.find(one.node)->record.stable_id},
         {"text", one.text}});
  }
  if (change.grace_until) out["graceUntil"] = to_rfc3339(*change.grace_until);
  return out;
}

std::string warning_for(
    const AdminContext& c, const store::AddressChange& change,
    const std::vector<nodes::Break>& breaks) {
  std::string text;
  const auto add = [&](const std::string& one) { text += (text.empty() ? "" : "; ") + one; };
  if (std::ranges::any_of(change.moves, [&](const auto& m) { return is_outside_pool(c, m); })) {
    add("outside ipPool");
  }
  for (const nodes::Break& one : breaks) {
    if (one.needs_hand()) add(one.text);
  }
  return text.empty() ? "" : "199 - \"" + text + '"';
}

// One sentence about one device, or all lines that cannot be.
Answer<http::Response> refusal(
    const AdminContext& c, const Wanted& wanted, const std::vector<nodes::PlanRefusal>& refusals) {
  const bool taken = std::ranges::any_of(refusals, &nodes::PlanRefusal::is_taken);
  const int status = refusals.front().is_taken || (wanted.by_line && taken) ? 409 : 400;
  if (!wanted.by_line) return ApiError{status, refusals.front().text};
  Json data = Json::array();
  for (const nodes::PlanRefusal& one : refusals) {
    const AddressWish& wish = wanted.wishes[one.wish];
    data.push_back(
        {{"user", c.registry.find(wish.node)->record.label + ' ' + wish.to.to_text()},
         {"errors", Json::array({one.text})}});
  }
  const std::string message =
      "nothing was changed: " + std::to_string(refusals.size()) + " of the plan's lines cannot be";
  return http::Response::json(
      status, text_of({{"message", message}, {"status", status}, {"data", std::move(data)}}));
}

Answer<http::Response> carry_out(const AdminContext& c, const Wanted& wanted, const Json& body) {
  auto options = options_from(c, body, wanted.account);
  if (!options) return options.error();
  const auto plan = nodes::check_plan(c.registry, wanted.account, wanted.wishes, *options);
  if (!plan.refusals.empty()) return refusal(c, wanted, plan.refusals);
  const store::AddressChange& change = plan.change;
  if (change.moves.empty()) return http::Response::json(200, "{}");
  const auto breaks = nodes::breaks_of(c.registry, change);
  Json told = report(c, change, breaks);
  const std::string warning = warning_for(c, change, breaks);
  if (asks(c, "dryRun")) {
    told["dryRun"] = true;
  } else {
    auto changed = c.registry.change_addresses(change, entries_for(c, change, wanted.how));
    if (!changed && changed.error().kind == store::StoreError::Kind::Taken) {
      return ApiError::conflict("an address is already assigned: " + changed.error().detail);
    }
    if (!changed) return ApiError::of(changed.error());
  }
  const bool silent = wanted.is_plain && !asks(c, "dryRun") && !asks(c, "report") &&
                      std::ranges::none_of(breaks, &nodes::Break::needs_hand);
  http::Response response = http::Response::json(200, silent ? "{}" : text_of(told));
  if (!warning.empty()) response.headers.set("Warning", warning);
  return response;
}

}  // namespace

Answer<http::Response> set_device_address(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto wanted = edit_wanted(c, **node, *body);
  if (!wanted) return wanted.error();
  return carry_out(c, *wanted, *body);
}

Answer<http::Response> undo_device_address(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto last = c.storage.last_address_change((*node)->id(), c.now);
  if (!last) return ApiError::of(last.error());
  if (!*last) {
    return ApiError::conflict(
        "the address of " + in_quotes((*node)->record.label) +
        " was not changed in the last 24 hours");
  }
  if (!nodes::stands_as_left(c.registry, **last)) {
    return ApiError::conflict(
        "a device that was moved together with " + in_quotes((*node)->record.label) +
        " has been moved again since; move them one by one");
  }
  Wanted wanted{(*node)->account(), nodes::wishes_to_undo(**last), "undo"};
  wanted.by_line = wanted.wishes.size() > 1;
  return carry_out(c, wanted, *body);
}

Answer<http::Response> set_addresses(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto wanted = plan_wanted(c, **account, *body);
  if (!wanted) return wanted.error();
  return carry_out(c, *wanted, *body);
}

}  // namespace aya::resources
