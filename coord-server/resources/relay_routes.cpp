// Relays (control 6.9): which there are, for all networks of the server, and what the nodes of one
// network are told. Everybody may look who may see settings; only whoever runs the server changes
// them.
#include "coord-server/api/json.h"
#include "coord-server/policy/policy.h"
#include "coord-server/policy_file/policy_file.h"
#include "coord-server/resources/handlers.h"
#include "proto/base/parse_number.h"
#include "proto/control/json_text.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

using relays::RelayDirectory;
using relays::RelaySet;

Answer<void> only_here(const AdminContext& c) {
  if (c.caller.every_account) return {};
  return ApiError::forbidden("relays belong to the whole server: only on the server itself");
}

Answer<RegionId> region_in_path(const AdminContext& c) {
  const RegionId id = parse_number<RegionId>(c.path[0]).value_or(0);
  if (id == 0) return ApiError::bad_request("region: want a number from 1 to 65535");
  return id;
}

ApiError refused(const RelayDirectory::Refusal& refusal) {
  return {refusal.conflict ? 409 : 400, refusal.why};
}

http::Response done() { return http::Response::json(200, "{}"); }

store::AuditEntry entry(const AdminContext& c, const char* action, const std::string& name) {
  store::AuditEntry out = c.audit(action, "DERP_MAP");
  out.target_name = name;
  return out;
}

std::string region_name(RegionId id) { return "region " + std::to_string(id); }

Json region_json(const RelaySet::Entry& entry) {
  Json out = Json::parse(control::encode(entry.region));
  const std::string source = entry.built_in         ? "built-in"
                             : entry.source.empty() ? "entered"
                                                    : entry.source;
  out.update(
      {{"source", source},
       {"hidden", entry.hidden},
       {"enabled", !entry.off},
       {"score", entry.score}});
  return out;
}

Json source_json(const store::RelaySource& source) {
  return {
      {"url", source.url},
      {"fetched", source.fetched ? to_rfc3339(*source.fetched) : ""},
      {"trouble", source.trouble}};
}

bool is_known(const AdminContext& c, RegionId id) {
  for (const RelaySet::Entry& entry : c.relays.set().entries()) {
    if (entry.region.region_id == id) return true;
  }
  return false;
}

Answer<http::Response> enter(
    const AdminContext& c, const relays::Regions& regions, const std::string& name) {
  if (auto refusal = c.relays.refuses_entering(regions)) return refused(*refusal);
  const auto& before = c.relays.set().by_hand;
  Json old = Json::object(), now = Json::object();
  bool changes = false;
  for (const auto& [id, region] : regions) {
    const auto known = before.find(id);
    if (known != before.end()) {
      old[std::to_string(id)] = Json::parse(control::encode(known->second));
    }
    now[std::to_string(id)] = Json::parse(control::encode(region));
    changes = changes || known == before.end() || known->second != region;
  }
  if (!changes) return done();
  store::AuditEntry audit = entry(c, "UPDATE", name);
  audit.old_value = text_of(old);
  audit.new_value = text_of(now);
  if (auto stored = c.relays.enter(regions, audit); !stored) return ApiError::of(stored.error());
  return done();
}

std::string source_named(const AdminContext& c) {
  return http::query_value(c.request.query(), "url").value_or("");
}

}  // namespace

Answer<http::Response> list_relays(const AdminContext& c) {
  Json regions = Json::array(), sources = Json::array();
  for (const RelaySet::Entry& entry : c.relays.set().entries()) {
    regions.push_back(region_json(entry));
  }
  for (const auto& [url, source] : c.relays.sources()) sources.push_back(source_json(source));
  return http::Response::json(
      200, text_of({{"regions", std::move(regions)}, {"sources", std::move(sources)}}));
}

Answer<http::Response> get_derp_map(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const auto policy = policy_file::read_policy(
      policy::text_in_force(**account), policy::realm_of(c.registry, **account));
  const relays::Overlay overlay = policy ? (*policy)->relays : relays::Overlay();
  return http::Response::json(200, control::encode(c.relays.set().map_with(overlay)));
}

// A whole map; regions that it does not name stay.
Answer<http::Response> import_relays(const AdminContext& c) {
  if (auto allowed = only_here(c); !allowed) return allowed.error();
  auto map = relays::read_map(as_text(c.request.body));
  if (!map) return ApiError::bad_request(map.error());
  return enter(c, map->regions, std::to_string(map->regions.size()) + " regions");
}

Answer<http::Response> put_relay_region(const AdminContext& c) {
  if (auto allowed = only_here(c); !allowed) return allowed.error();
  auto id = region_in_path(c);
  if (!id) return id.error();
  auto region = relays::read_region(*id, as_text(c.request.body));
  if (!region) return ApiError::bad_request(region.error());
  return enter(c, {{*id, std::move(*region)}}, region_name(*id));
}

Answer<http::Response> patch_relay_region(const AdminContext& c) {
  if (auto allowed = only_here(c); !allowed) return allowed.error();
  auto id = region_in_path(c);
  if (!id) return id.error();
  if (!is_known(c, *id)) return ApiError::not_found("region");
  auto body = body_object(c.request);
  if (!body) return body.error();
  const store::RelayChoice before = c.relays.set().choice(*id);
  store::RelayChoice choice = before;
  auto enabled = flag_field(*body, "enabled", !choice.off);
  if (!enabled) return enabled.error();
  choice.off = !*enabled;
  if (const auto score = body->find("score"); score != body->end() && !score->is_null()) {
    if (!score->is_number()) return ApiError::bad_request("score: want a number");
    choice.score = score->get<double>();
  }
  if (choice == before) return done();
  if (auto refusal = c.relays.refuses_choice(choice)) return refused(*refusal);
  store::AuditEntry audit = entry(c, "UPDATE", region_name(*id));
  audit.old_value = text_of({{"enabled", !before.off}, {"score", before.score}});
  audit.new_value = text_of({{"enabled", !choice.off}, {"score", choice.score}});
  if (auto stored = c.relays.choose(choice, audit); !stored) return ApiError::of(stored.error());
  return done();
}

Answer<http::Response> delete_relay_region(const AdminContext& c) {
  if (auto allowed = only_here(c); !allowed) return allowed.error();
  auto id = region_in_path(c);
  if (!id) return id.error();
  if (!is_known(c, *id)) return ApiError::not_found("region");
  if (auto refusal = c.relays.refuses_removing(*id)) return refused(*refusal);
  store::AuditEntry audit = entry(c, "DELETE", region_name(*id));
  audit.old_value = control::encode(c.relays.set().by_hand.at(*id));
  if (auto stored = c.relays.remove(*id, audit); !stored) return ApiError::of(stored.error());
  return done();
}

Answer<http::Response> add_relay_source(const AdminContext& c) {
  if (auto allowed = only_here(c); !allowed) return allowed.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto url = text_field(*body, "url");
  if (!url) return url.error();
  if (auto refusal = c.relays.refuses_source(*url)) return refused(*refusal);
  if (auto stored = c.relays.add_source(*url, entry(c, "CREATE", *url)); !stored) {
    return ApiError::of(stored.error());
  }
  return done();
}

Answer<http::Response> delete_relay_source(const AdminContext& c) {
  if (auto allowed = only_here(c); !allowed) return allowed.error();
  const std::string url = source_named(c);
  if (url.empty()) return ApiError::bad_request("url: required");
  if (!c.relays.sources().contains(url)) return ApiError::not_found("source");
  if (auto refusal = c.relays.refuses_removing_source(url)) return refused(*refusal);
  if (auto stored = c.relays.remove_source(url, entry(c, "DELETE", url)); !stored) {
    return ApiError::of(stored.error());
  }
  return done();
}

Answer<http::Response> fetch_relay_sources(const AdminContext& c) {
  if (auto allowed = only_here(c); !allowed) return allowed.error();
  c.relays.fetch_soon(c.now);
  return done();
}

}  // namespace aya::resources
