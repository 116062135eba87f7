// Posture integrations (interfaces 1.13): services that say in which state the machines are.
#include "coord-server/api/json.h"
#include "coord-server/device_posture/integrations.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

using store::PostureAccess;
using store::PostureIntegration;

// A field of how somebody is asked, by its name in JSON. The secret goes in and never comes out.
enum class Comes { Out, Never };
struct AccessField {
  const char* name;
  std::string PostureAccess::* at;
  Comes comes = Comes::Out;
};
constexpr std::array kFields = {
    AccessField{"cloudId", &PostureAccess::cloud}, AccessField{"clientId", &PostureAccess::client},
    AccessField{"tenantId", &PostureAccess::tenant},
    AccessField{"clientSecret", &PostureAccess::secret, Comes::Never}};

Json access_json(const std::string& provider, const PostureAccess& access) {
  Json out = {{"provider", provider}};
  for (const AccessField& field : kFields) {
    if (field.comes == Comes::Out) out[field.name] = access.*field.at;
  }
  return out;
}

Json integration_json(const PostureIntegration& integration) {
  Json status = {
      {"providerHostCount", integration.hosts},
      {"matchedCount", integration.matched},
      {"possibleMatchedCount", integration.possible}};
  if (integration.synced) status["lastSync"] = to_rfc3339(*integration.synced);
  if (!integration.trouble.empty()) status["error"] = integration.trouble;
  Json out = access_json(integration.provider, integration.access);
  out["id"] = integration.public_id;
  out["configUpdated"] = to_rfc3339(integration.changed);
  out["status"] = std::move(status);
  return out;
}

http::Response answer(const PostureIntegration& integration) {
  return http::Response::json(200, text_of(integration_json(integration)));
}

Answer<const PostureIntegration*> integration_in_path(const AdminContext& c) {
  const PostureIntegration* integration = c.posture.find(c.path[0]);
  if (integration == nullptr || !c.caller.may_see(integration->account)) {
    return ApiError::not_found("posture integration");
  }
  return integration;
}

store::AuditEntry about(
    const AdminContext& c, const PostureIntegration& integration, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "POSTURE_INTEGRATION");
  entry.account = integration.account;
  entry.target_id = integration.public_id;
  entry.target_name = integration.provider;
  return entry;
}

bool says_no_access(const Json& body) {
  return std::ranges::none_of(
      kFields, [&](const AccessField& field) { return body.contains(field.name); });
}

// What is not said stays as it is in `before`; an empty secret is one that is not said.
Answer<PostureAccess> access_in(
    const Json& body, const std::string& provider, const PostureAccess& before) {
  PostureAccess out;
  for (const AccessField& field : kFields) {
    auto text = text_field(body, field.name, before.*field.at);
    if (!text) return text.error();
    out.*field.at = std::move(*text);
  }
  if (out.secret.empty()) out.secret = before.secret;
  if (const std::string fault = posture_providers::fault_in(provider, out); !fault.empty()) {
    return ApiError::bad_request(fault);
  }
  return out;
}

}  // namespace

Answer<http::Response> list_integrations(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json out = Json::array();
  for (const PostureIntegration* each : c.posture.of((*account)->id)) {
    out.push_back(integration_json(*each));
  }
  return http::Response::json(200, text_of({{"integrations", std::move(out)}}));
}

Answer<http::Response> create_integration(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto provider = text_field(*body, "provider");
  if (!provider) return provider.error();
  // With nothing to ask with it could never say anything; what tools expect then was recorded.
  if (posture_providers::is_provider(*provider) && says_no_access(*body)) {
    return ApiError{501, "clientSecret: required: without it there is nobody to ask"};
  }
  PostureIntegration wish;
  wish.account = (*account)->id;
  wish.provider = *provider;
  auto access = access_in(*body, *provider, {});
  if (!access) return access.error();
  wish.access = std::move(*access);
  store::AuditEntry entry = about(c, wish, "CREATE");
  entry.new_value = text_of(access_json(wish.provider, wish.access));
  auto made = c.posture.create(std::move(wish), entry, c.now);
  if (!made && made.error().kind == store::StoreError::Kind::Taken) {
    return ApiError::conflict("there is an integration of " + *provider + "; change that one");
  }
  if (!made) return ApiError::of(made.error());
  return answer(**made);
}

Answer<http::Response> get_integration(const AdminContext& c) {
  auto integration = integration_in_path(c);
  if (!integration) return integration.error();
  return answer(**integration);
}

Answer<http::Response> patch_integration(const AdminContext& c) {
  auto found = integration_in_path(c);
  if (!found) return found.error();
  const PostureIntegration& integration = **found;
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto provider = text_field(*body, "provider", integration.provider);
  if (!provider) return provider.error();
  if (*provider != integration.provider) {
    return ApiError::bad_request("provider: is what it is; remove this integration, make another");
  }
  auto access = access_in(*body, integration.provider, integration.access);
  if (!access) return access.error();
  if (*access == integration.access) return answer(integration);
  store::AuditEntry entry = about(c, integration, "UPDATE");
  entry.old_value = text_of(access_json(integration.provider, integration.access));
  entry.new_value = text_of(access_json(integration.provider, *access));
  if (access->secret != integration.access.secret) entry.details = "with another secret";
  auto stored = c.posture.change(integration, std::move(*access), entry, c.now);
  if (!stored) return ApiError::of(stored.error());
  return answer(integration);
}

Answer<http::Response> delete_integration(const AdminContext& c) {
  auto integration = integration_in_path(c);
  if (!integration) return integration.error();
  store::AuditEntry entry = about(c, **integration, "DELETE");
  entry.old_value = text_of(access_json((*integration)->provider, (*integration)->access));
  if (auto gone = c.posture.remove(**integration, entry); !gone) {
    return ApiError::of(gone.error());
  }
  return http::Response::json(200, "{}");
}

Answer<http::Response> sync_integration(const AdminContext& c) {
  auto integration = integration_in_path(c);
  if (!integration) return integration.error();
  c.posture.sync_at_once(**integration);
  return http::Response::json(200, "{}");
}

}  // namespace aya::resources
