#include "coord-server/federation/exchanges.h"

#include "coord-server/api/late_answer.h"
#include "coord-server/api/oauth_answer.h"
#include "coord-server/oidc/workload_token.h"

namespace aya::federation {
namespace {

using Refusal = api::ApiTokens::TradeRefusal;

Refusal not_now() {
  return {Refusal::Kind::NotNow, "the issuer's keys cannot be had; try again in a few seconds"};
}

Refusal bad_token(const oidc::TokenFault& fault) {
  return {Refusal::Kind::BadToken, "jwt: " + fault.detail};
}

oidc::WorkloadRules rules_of(const store::Federation& federation) {
  return {federation.issuer, federation.audience, federation.subject, federation.claims};
}

}  // namespace

std::variant<Exchanges::Access, Exchanges::KeysWanted> Exchanges::attempt(
    const Request& asked, WallTime now) {
  auto client = storage_.oauth_client(asked.client_id);
  if (!client) return Refusal{Refusal::Kind::Failed, client.error().to_text()};
  if (!*client || (*client)->revoked || !(*client)->federation) {
    return Refusal{Refusal::Kind::UnknownClient, "unknown client"};
  }
  const oidc::WorkloadRules rules = rules_of(*(*client)->federation);
  const std::string& issuer = rules.issuer;
  auto token = oidc::WorkloadToken::read(asked.token, rules, now);
  if (!token) return bad_token(token.error());
  const oidc::KeySet* keys = keys_.find(issuer, now);
  if (keys == nullptr) {
    if (keys_.ask(issuer, now)) return KeysWanted{issuer};
    return not_now();
  }
  const auto good = token->verify(*keys, rules);
  if (good) return tokens_.grant(**client, asked.wish, now);
  const bool unknown = good.error().kind == oidc::TokenFault::Kind::UnknownKey;
  if (unknown && keys_.ask(issuer, now)) return KeysWanted{issuer};
  return bad_token(good.error());
}

std::optional<http::Response> Exchanges::exchange(Request asked, WallTime now) {
  auto outcome = attempt(asked, now);
  if (const auto* access = std::get_if<Access>(&outcome)) return api::oauth_answer(*access);
  if (!may_wait_ || waiting_.size() >= kMostWaiting) return api::oauth_answer(not_now());
  asked_ = Waiting{std::move(asked), std::move(std::get<KeysWanted>(outcome).issuer), {}, {}};
  return std::nullopt;
}

bool Exchanges::end(WaiterId waiter, const http::Response& said) {
  may_wait_ = false;
  if (!asked_) return false;
  asked_->waiter = waiter;
  asked_->headers = said.headers;
  waiting_.push_back(std::move(*asked_));
  asked_.reset();
  return true;
}

Result<void, NoDocument> Exchanges::take(
    const std::string& issuer, const Fetched& got, WallTime now) {
  if (keys_.take(issuer, got, now) == IssuerKeys::Progress::GoesOn) return {};
  for (Waiting& each : std::exchange(waiting_, {})) {
    if (each.issuer != issuer) {
      waiting_.push_back(std::move(each));
      continue;
    }
    auto outcome = attempt(each.asked, now);
    if (auto* wanted = std::get_if<KeysWanted>(&outcome)) {  // it has another issuer by now
      each.issuer = std::move(wanted->issuer);
      waiting_.push_back(std::move(each));
      continue;
    }
    http::Response late = api::oauth_answer(std::get<Access>(outcome));
    api::keep_head(each.headers, late);
    answers_.push_back({each.waiter, std::move(late)});
  }
  if (std::string why = keys_.trouble(issuer); !why.empty()) return NoDocument{std::move(why)};
  return {};
}

}  // namespace aya::federation
