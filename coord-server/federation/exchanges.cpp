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

std::optional<Exchanges::Access> Exchanges::attempt(
    const Request& asked, WallTime now, std::string& issuer) {
  auto client = storage_.oauth_client(asked.client_id);
  if (!client) return Access(Refusal{Refusal::Kind::Failed, client.error().to_text()});
  if (!*client || (*client)->revoked || !(*client)->federation) {
    return Access(Refusal{Refusal::Kind::UnknownClient, "unknown client"});
  }
  const oidc::WorkloadRules rules = rules_of(*(*client)->federation);
  issuer = rules.issuer;
  auto token = oidc::WorkloadToken::read(asked.token, rules, now);
  if (!token) return Access(bad_token(token.error()));
  const oidc::KeySet* keys = keys_.find(issuer, now);
  if (keys == nullptr) {
    if (keys_.ask(issuer, now)) return std::nullopt;
    return Access(not_now());
  }
  const auto good = token->verify(*keys, rules);
  if (good) return tokens_.grant(**client, asked.wish, now);
  const bool unknown = good.error().kind == oidc::TokenFault::Kind::UnknownKey;
  if (unknown && keys_.ask(issuer, now)) return std::nullopt;
  return Access(bad_token(good.error()));
}

std::optional<http::Response> Exchanges::exchange(Request asked, WallTime now) {
  std::string issuer;
  if (auto access = attempt(asked, now, issuer)) return api::oauth_answer(*access);
  if (!may_wait_ || waiting_.size() >= kMostWaiting) return api::oauth_answer(not_now());
  asked_ = Waiting{std::move(asked), std::move(issuer), {}, {}};
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
    auto access = attempt(each.asked, now, each.issuer);
    if (!access) {  // the identity has another issuer by now
      waiting_.push_back(std::move(each));
      continue;
    }
    http::Response late = api::oauth_answer(*access);
    api::keep_head(each.headers, late);
    answers_.push_back({each.waiter, std::move(late)});
  }
  if (std::string why = keys_.trouble(issuer); !why.empty()) return NoDocument{std::move(why)};
  return {};
}

}  // namespace aya::federation
