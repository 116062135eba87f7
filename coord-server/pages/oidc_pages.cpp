// Logins by another provider: to it, and back from it. Each step that needs the provider is an
// errand; what it said about itself is kept for an hour, its keys until one is missing.
#include "coord-server/pages/pages.h"

namespace aya::pages {
namespace {

constexpr auto kAttemptLasts = std::chrono::minutes(10);
constexpr std::size_t kMostAttempts = 1024;
constexpr auto kDiscoveryLasts = std::chrono::hours(1);
// Anybody can send a token with an unknown key.
constexpr auto kKeysAtMostEvery = std::chrono::minutes(1);

http::Response not_possible(const Tongue& say, std::string_view why) {
  return page(
      502, say, say("The login did not work", "ログインできませんでした"),
      paragraph(say("The other server:", "認証サーバー：")) + paragraph(why) +
          "<p><a class=\"button\" href=\"/login\">" + escaped(say("Try again", "やり直す")) +
          "</a></p>\n");
}

http::Response refused(const Tongue& say, std::string_view why) {
  return page(
      403, say, say("Not let in", "利用できません"),
      "<p class=\"bad\" role=\"alert\">" + escaped(why) + "</p>\n");
}

std::string text_of(const Done& done) {
  return done.fetched ? std::string(as_text(done.fetched->body)) : std::string();
}

// Empty: it answered, and as it should.
std::string fault_of(const Done& done) {
  if (!done.fetched) return done.trouble;
  if (done.fetched->ok()) return {};
  return "it answered with status " + std::to_string(done.fetched->status);
}

}  // namespace

std::string Pages::back_to() const { return browser_.origin() + "/oidc/callback"; }

PageAnswer Pages::begin_oidc(Visit& visit, std::string_view) {
  if (!oidc_.config) return redirect("/login");
  if (oidc_.at && visit.now < oidc_.discovery_until) return to_provider(visit);
  return Errand{
      FetchWork{oidc::discovery_url(oidc_.config->issuer), "GET", {}, ""},
      [this, visit](const Done& done, WallTime now) mutable -> PageAnswer {
        visit.now = now;
        if (const auto fault = fault_of(done); !fault.empty())
          return not_possible(visit.say, fault);
        auto at = oidc::parse_discovery(text_of(done), *oidc_.config);
        if (!at) return not_possible(visit.say, at.error());
        oidc_.at = std::move(*at);
        oidc_.discovery_until = now + kDiscoveryLasts;
        return to_provider(visit);
      }};
}

PageAnswer Pages::to_provider(Visit& visit) {
  std::erase_if(oidc_.attempts, [&](const auto& each) { return each.second.until <= visit.now; });
  if (oidc_.attempts.size() >= kMostAttempts) {
    return not_possible(visit.say, "too many logins at once; try again in a few minutes");
  }
  OidcAttempt kept;
  kept.attempt = oidc::Attempt::make(rng_);
  kept.browser = visit.token;
  kept.next = safe_next(visit.query("next"));
  kept.until = visit.now + kAttemptLasts;
  http::Response response =
      redirect(oidc::authorization_url(*oidc_.config, *oidc_.at, kept.attempt, back_to()));
  if (!visit.new_visitor.empty()) {
    // After an errand nobody else sets it.
    response.headers.add(
        "Set-Cookie", browser_.set_cookie(browser_.visitor_cookie(), visit.new_visitor));
    visit.new_visitor.clear();
  }
  std::string state = kept.attempt.state;
  oidc_.attempts.emplace(std::move(state), std::move(kept));
  return response;
}

PageAnswer Pages::end_oidc(Visit& visit, std::string_view) {
  auto found = oidc_.attempts.extract(visit.query("state"));
  const bool ours = found && found.mapped().until > visit.now &&
                    found.mapped().browser == visit.token && oidc_.config && oidc_.at;
  if (!ours) {
    return refused(
        visit.say, visit.say(
                       "This login was not begun in this browser, or too long ago.",
                       "このブラウザーで始めたログインではないか、時間が経ちすぎています。"));
  }
  const OidcAttempt begun = std::move(found.mapped());
  if (const std::string error = visit.query("error"); !error.empty()) {
    return not_possible(visit.say, error + ' ' + visit.query("error_description"));
  }
  oidc::TokenRequest asked =
      oidc::token_request(*oidc_.config, *oidc_.at, begun.attempt, visit.query("code"), back_to());
  FetchWork work{asked.url, "POST", {}, std::move(asked.body)};
  work.headers.set("Content-Type", "application/x-www-form-urlencoded");
  work.headers.set("Accept", "application/json");
  if (!asked.authorization.empty()) work.headers.set("Authorization", asked.authorization);
  return Errand{
      std::move(work), [this, visit, begun](const Done& done, WallTime now) mutable -> PageAnswer {
        visit.now = now;
        if (!done.fetched) return not_possible(visit.say, done.trouble);
        auto tokens = oidc::parse_tokens(text_of(done));
        if (!tokens) return not_possible(visit.say, tokens.error());
        return with_tokens(visit, begun, *tokens, false);
      }};
}

// A provider changes its keys now and then: an unknown one is worth a look, once.
PageAnswer Pages::with_tokens(
    Visit& visit, const OidcAttempt& begun, const oidc::Tokens& tokens, bool looked) {
  const oidc::Expected expected{
      oidc_.config->issuer, oidc_.config->client_id, begun.attempt.nonce, tokens.access_token};
  auto claims = oidc::verify_id_token(tokens.id_token, oidc_.keys, expected, visit.now);
  if (claims) return with_claims(visit, begun, *claims);
  const bool may_look = oidc_.keys.empty() || oidc_.keys_from + kKeysAtMostEvery <= visit.now;
  if (claims.error().kind != oidc::TokenFault::Kind::UnknownKey || looked || !may_look) {
    return not_possible(visit.say, "its token is not valid: " + claims.error().detail);
  }
  return Errand{
      FetchWork{oidc_.at->jwks_uri, "GET", {}, ""},
      [this, visit, begun, tokens](const Done& done, WallTime now) mutable -> PageAnswer {
        visit.now = now;
        if (const auto fault = fault_of(done); !fault.empty())
          return not_possible(visit.say, fault);
        oidc_.keys = oidc::parse_key_set(text_of(done));
        oidc_.keys_from = now;
        return with_tokens(visit, begun, tokens, true);
      }};
}

PageAnswer Pages::with_claims(Visit& visit, const OidcAttempt& begun, const oidc::Claims& claims) {
  if (const auto why = oidc::refusal_of(*oidc_.config, claims)) return refused(visit.say, *why);
  const store::Account* account = oidc_.config->account.empty()
                                      ? &registry_.accounts().begin()->second
                                      : registry_.account_named(oidc_.config->account);
  if (account == nullptr) return refused(visit.say, "oidc_account names no network of this server");
  auto known = storage_.identity(account->id, claims.issuer, claims.subject);
  if (!known) return trouble_page(visit.say, known.error());
  const store::User* user = *known ? registry_.user((*known)->user) : nullptr;
  const people::UserInvite* invite = invite_at(begun.next, account->id, visit.now);
  if (user == nullptr) {
    auto made = make_user(visit, *account, claims, invite);
    if (!made) return refused(visit.say, made.error());
    user = *made;
  }
  return sign_in(
      visit, *user, invite == nullptr ? begun.next : "/account", "OIDC " + claims.issuer);
}

// One step: a person without the identity would be a stranger at the next login.
Result<const store::User*, std::string> Pages::make_user(
    const Visit& visit, const store::Account& account, const oidc::Claims& claims,
    const people::UserInvite* invite) {
  store::User user;
  user.account = account.id;
  user.login = oidc::login_of(*oidc_.config, claims);
  user.display_name = claims.name.empty() ? user.login : claims.name;
  user.role = "member";
  user.status = account.settings.users_approval ? "needs-approval" : "active";
  user.created = visit.now;
  if (user.login.empty())
    return std::string("the other server says no name that could be used here");
  store::AuditEntry audit = people_.entry(user, "CREATE", visit.now);
  audit.origin = "IDENTITY_PROVIDER";
  audit.target_id.clear();
  audit.details = "first login by " + claims.issuer;
  store::FirstLogin how{store::Identity{account.id, claims.issuer, claims.subject, {}}, {}, {}};
  auto made = invite == nullptr
                  ? registry_.create_user(user, audit, how)
                  : invitations_.accept(
                        *invite, user.login, user.display_name, std::move(how), audit, visit.now);
  if (made) return registry_.user(made->id);
  if (made.error().kind == store::StoreError::Kind::Taken) {
    return "the name " + user.login +
           " belongs to somebody else here; an administrator can rename that user";
  }
  return made.error().to_text();
}

}  // namespace aya::pages
