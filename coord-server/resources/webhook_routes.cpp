// Webhooks (interfaces 1.12): where the network's news are told, and which.
#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/webhooks/messages.h"
#include "coord-server/webhooks/subscriptions.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

using webhooks::Webhook;

constexpr std::size_t kLongestUrl = 2048;

enum class Secret { Hidden, Shown };

Json webhook_json(const AdminContext& c, const Webhook& webhook, Secret secret) {
  const webhooks::Webhooks::State state = c.webhooks.state(webhook);
  Json out = {
      {"endpointId", webhook.public_id},
      {"endpointUrl", webhook.url},
      {"providerType", webhook.provider},
      {"creatorLoginName", webhook.creator},
      {"created", to_rfc3339(webhook.created)},
      {"lastModified", to_rfc3339(webhook.modified)},
      {"subscriptions", webhook.subscriptions},
      {"ayatori",
       {{"waiting", state.waiting},
        {"delivered", state.delivered},
        {"givenUp", state.given_up},
        {"trouble", state.trouble}}}};
  if (secret == Secret::Shown) out["secret"] = webhook.secret;
  return out;
}

http::Response answer(const AdminContext& c, const Webhook& webhook, Secret secret) {
  return http::Response::json(200, text_of(webhook_json(c, webhook, secret)));
}

Answer<const Webhook*> webhook_in_path(const AdminContext& c) {
  const Webhook* webhook = c.webhooks.find(c.path[0]);
  if (webhook == nullptr || !c.caller.may_see(webhook->account)) {
    return ApiError::not_found("webhook");
  }
  return webhook;
}

store::AuditEntry about(const AdminContext& c, const Webhook& webhook, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "WEBHOOK_ENDPOINT");
  entry.account = webhook.account;
  entry.target_id = webhook.public_id;
  entry.target_name = webhook.url;
  return entry;
}

// Each once, in the order given.
Answer<std::vector<std::string>> subscriptions_in(const Json& body) {
  auto sent = texts_field(body, "subscriptions");
  if (!sent) return sent.error();
  std::vector<std::string> out;
  for (std::string& name : *sent) {
    if (!webhooks::is_subscription(name)) {
      std::string known;
      for (const std::string_view each : webhooks::subscription_names()) {
        known += (known.empty() ? "" : ", ") + std::string(each);
      }
      return ApiError::bad_request("subscriptions: \"" + name + "\" is none of " + known);
    }
    if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

std::string creator_of(const AdminContext& c) {
  const store::User* user = c.registry.user(c.caller.user);
  return c.caller.is_person() && user != nullptr ? user->login : c.caller.client;
}

}  // namespace

Answer<http::Response> list_webhooks(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json out = Json::array();
  for (const Webhook* webhook : c.webhooks.of((*account)->id)) {
    out.push_back(webhook_json(c, *webhook, Secret::Hidden));
  }
  return http::Response::json(200, text_of({{"webhooks", std::move(out)}}));
}

Answer<http::Response> create_webhook(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto url = text_field(*body, "endpointUrl");
  if (!url) return url.error();
  if (!http::Url::parse(*url) || url->size() > kLongestUrl) {
    return ApiError::bad_request("endpointUrl: want an https or http URL");
  }
  auto provider = text_field(*body, "providerType");
  if (!provider) return provider.error();
  if (!webhooks::is_provider(*provider)) {
    return ApiError::bad_request(
        "providerType: want slack, mattermost, googlechat, discord or nothing");
  }
  auto subscriptions = subscriptions_in(*body);
  if (!subscriptions) return subscriptions.error();
  Webhook wish;
  wish.account = (*account)->id;
  wish.url = *url;
  wish.provider = *provider;
  wish.subscriptions = std::move(*subscriptions);
  wish.creator = creator_of(c);
  if (const std::string why = c.webhooks.refuses(wish); !why.empty()) {
    return ApiError::conflict(why);
  }
  store::AuditEntry entry = about(c, wish, "CREATE");
  entry.new_value = text_of(wish.subscriptions);
  auto made = c.webhooks.create(std::move(wish), entry, c.now);
  if (!made) return ApiError::of(made.error());
  return answer(c, **made, Secret::Shown);
}

Answer<http::Response> get_webhook(const AdminContext& c) {
  auto webhook = webhook_in_path(c);
  if (!webhook) return webhook.error();
  return answer(c, **webhook, Secret::Hidden);
}

Answer<http::Response> patch_webhook(const AdminContext& c) {
  auto webhook = webhook_in_path(c);
  if (!webhook) return webhook.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto subscriptions = subscriptions_in(*body);
  if (!subscriptions) return subscriptions.error();
  if (*subscriptions != (*webhook)->subscriptions) {
    store::AuditEntry entry = about(c, **webhook, "UPDATE");
    entry.old_value = text_of((*webhook)->subscriptions);
    entry.new_value = text_of(*subscriptions);
    auto stored = c.webhooks.subscribe(**webhook, std::move(*subscriptions), entry, c.now);
    if (!stored) return ApiError::of(stored.error());
  }
  return answer(c, **webhook, Secret::Hidden);
}

Answer<http::Response> delete_webhook(const AdminContext& c) {
  auto webhook = webhook_in_path(c);
  if (!webhook) return webhook.error();
  if (auto gone = c.webhooks.remove(**webhook, about(c, **webhook, "DELETE")); !gone) {
    return ApiError::of(gone.error());
  }
  return http::Response::json(200, "{}");
}

Answer<http::Response> test_webhook(const AdminContext& c) {
  auto webhook = webhook_in_path(c);
  if (!webhook) return webhook.error();
  c.webhooks.try_out(**webhook, c.now);
  return http::Response::json(200, "{}");
}

Answer<http::Response> rotate_webhook(const AdminContext& c) {
  auto webhook = webhook_in_path(c);
  if (!webhook) return webhook.error();
  store::AuditEntry entry = about(c, **webhook, "UPDATE");
  entry.property = "SECRET";
  if (auto stored = c.webhooks.rotate_secret(**webhook, entry, c.now); !stored) {
    return ApiError::of(stored.error());
  }
  return answer(c, **webhook, Secret::Shown);
}

}  // namespace aya::resources
