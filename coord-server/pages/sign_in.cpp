#include "coord-server/enroll/credential_text.h"
#include "coord-server/pages/pages.h"
#include "proto/crypto/password.h"

namespace aya::pages {
namespace {

constexpr unsigned kMostWrongCodes = 5;
constexpr std::size_t kTicketLength = 22;

http::Response wait_page(const Tongue& say, std::chrono::seconds wait) {
  http::Response response = page(
      429, say, say("Too many attempts", "試行回数が多すぎます"),
      paragraph(say("Wait a while, then try again.", "しばらく待ってからやり直してください。")));
  response.headers.set("Retry-After", std::to_string(wait.count()));
  return response;
}

http::Response suspended_page(const Tongue& say) {
  return page(
      403, say, say("No access", "利用できません"),
      paragraph(say(
          "An administrator has suspended you here.", "管理者によって利用が停止されています。")));
}

http::Response busy_page(const Tongue& say) {
  http::Response response = page(
      503, say, say("Not now", "処理できません"),
      paragraph(
          say("The server is busy. Try again in a moment.",
              "混み合っています。少し待ってからやり直してください。")));
  response.headers.set("Retry-After", "5");
  return response;
}

std::string name_key(const Visit& visit) {
  return visit.field("network") + '/' + visit.field("user");
}

}  // namespace

// To another provider, where there is one.
std::string Pages::provider_button(const Tongue& say, const std::string& next) const {
  if (!oidc_.config) return {};
  const auto issuer = http::Url::parse(oidc_.config->issuer);
  const std::string name =
      oidc_.config->name.empty() && issuer ? issuer->host : oidc_.config->name;
  return "<p><a class=\"button\" id=\"oidc\" href=\"/oidc/login?next=" +
         http::percent_encode(next) + "\">" +
         escaped(std::string(say("Sign in with ", "次でログイン：")) + name) + "</a></p>\n";
}

http::Response Pages::login_page(const Visit& visit, int status, std::string_view trouble) const {
  const Tongue& say = visit.say;
  const std::string next =
      visit.request.method == "POST" ? visit.field("next") : visit.query("next");
  std::string fields =
      input(say("Name", "利用者名"), "user", "text", "username", visit.field("user")) +
      input(say("Password", "パスワード"), "password", "password", "current-password");
  if (registry_.accounts().size() > 1) {
    fields += input(
        say("Network (may be left empty)", "ネットワーク（省略可）"), "network", "text",
        "organization", visit.field("network"));
  }
  fields += hidden("next", safe_next(next));
  std::string body;
  if (!trouble.empty()) body += "<p class=\"bad\" role=\"alert\">" + escaped(trouble) + "</p>\n";
  body += provider_button(say, safe_next(next));
  body += form(visit, "/login", fields, say("Sign in", "ログイン"));
  body += paragraph(say(
      "No password, or lost it? An administrator makes you a link to sign in with.",
      "パスワードがない場合や忘れた場合は、管理者にログイン用リンクを発行してもらってください。"));
  return page(status, say, say("Sign in", "ログイン"), body);
}

PageAnswer Pages::show_login(Visit& visit, std::string_view) {
  if (user_of(visit) != nullptr) return redirect(safe_next(visit.query("next")));
  return login_page(visit, 200, "");
}

PageAnswer Pages::check_login(Visit& visit, std::string_view) {
  const auto wait = std::max(
      by_name_.wait(name_key(visit), visit.now), by_source_.wait(visit.source(), visit.now));
  if (wait.count() > 0) return wait_page(visit.say, wait);
  const store::User* user = people_.find(visit.field("network"), visit.field("user"));
  std::string hash;
  if (user != nullptr) {
    auto kept = storage_.credentials(user->id);
    if (!kept) return trouble_page(visit.say, kept.error());
    hash = kept->password;
  }
  if (hash.empty()) user = nullptr;
  // As long for a name that does not exist, so that nobody finds out which ones do.
  PasswordWork work{visit.field("password"), hash.empty() ? crypto::nobodys_hash() : hash};
  const store::UserId id = user == nullptr ? store::UserId{} : user->id;
  return Errand{std::move(work), [this, visit, id](const Done& done, WallTime now) mutable {
                  visit.now = now;
                  return after_password(visit, registry_.user(id), done);
                }};
}

PageAnswer Pages::after_password(Visit& visit, const store::User* user, const Done& done) {
  if (!done.trouble.empty()) return busy_page(visit.say);
  if (user == nullptr || !done.matches) {
    by_name_.failed(name_key(visit), visit.now);
    by_source_.failed(visit.source(), visit.now);
    return login_page(
        visit, 403,
        visit.say("Name or password is wrong.", "利用者名またはパスワードが違います。"));
  }
  by_name_.succeeded(name_key(visit));
  if (!done.hash.empty()) {
    auto kept = storage_.credentials(user->id);
    if (kept) kept->password = done.hash;
    if (kept) (void)storage_.set_credentials(*kept, {});  // the old one is good, too
  }
  return proven(visit, *user, safe_next(visit.field("next")), "password");
}

// The first factor is right.
PageAnswer Pages::proven(
    Visit& visit, const store::User& user, const std::string& next, const std::string& how) {
  if (user.status == "suspended") return suspended_page(visit.say);
  auto kept = storage_.credentials(user.id);
  if (!kept) return trouble_page(visit.say, kept.error());
  if (kept->totp.empty()) return sign_in(visit, user, next, how);
  std::erase_if(halfways_, [&](const auto& each) { return each.second.until <= visit.now; });
  if (halfways_.size() >= kMostHalfways) return busy_page(visit.say);
  std::string ticket = enroll::random_text(kTicketLength, rng_);
  halfways_.emplace(ticket, Halfway{user.id, next, how, visit.now + kCodeWithin});
  return ask_code(visit, ticket, "");
}

PageAnswer Pages::ask_code(Visit& visit, const std::string& ticket, std::string_view trouble) {
  const Tongue& say = visit.say;
  std::string body;
  if (!trouble.empty()) body += "<p class=\"bad\" role=\"alert\">" + escaped(trouble) + "</p>\n";
  body += form(
      visit, "/login/code",
      input(say("Code", "認証コード"), "code", "text", "one-time-code") + hidden("ticket", ticket),
      say("Go on", "続ける"));
  body += paragraph(
      say("Six digits from your authenticator, or a recovery code.",
          "認証アプリの 6 桁の数字、または回復コードを入力してください。"));
  return page(trouble.empty() ? 200 : 403, say, say("Second factor", "二要素認証"), body);
}

PageAnswer Pages::check_code(Visit& visit, std::string_view) {
  const std::string ticket = visit.field("ticket");
  const auto found = halfways_.find(ticket);
  if (found == halfways_.end() || found->second.until <= visit.now) {
    return redirect("/login");
  }
  Halfway& halfway = found->second;
  const store::User* user = registry_.user(halfway.user);
  if (user == nullptr) return redirect("/login");
  const std::string who = "code " + std::to_string(user->id.value);
  if (const auto wait = by_name_.wait(who, visit.now); wait.count() > 0) {
    return wait_page(visit.say, wait);
  }
  auto right = people_.prove(*user, visit.field("code"), visit.now);
  if (!right) return trouble_page(visit.say, right.error());
  if (!*right) {
    by_name_.failed(who, visit.now);
    by_source_.failed(visit.source(), visit.now);
    if (++halfway.wrong >= kMostWrongCodes) {
      halfways_.erase(found);
      return redirect("/login");
    }
    return ask_code(
        visit, ticket, visit.say("That code is wrong or used.", "コードが違うか、使用済みです。"));
  }
  by_name_.succeeded(who);
  const Halfway done = halfway;
  halfways_.erase(found);
  return sign_in(visit, *user, done.next, done.how + " and code");
}

PageAnswer Pages::sign_in(
    Visit& visit, const store::User& user, const std::string& next, const std::string& how) {
  if (user.status == "suspended") return suspended_page(visit.say);
  auto token = people_.begin_session(user, visit.where(), how, visit.now);
  if (!token) return trouble_page(visit.say, token.error());
  if (how.starts_with("link")) {
    std::erase_if(by_link_, [&](const auto& each) { return each.second <= visit.now; });
    if (auto begun = people_.visit(*token, visit.now); begun && *begun) {
      by_link_[(*begun)->session.id] = visit.now + kFreshLink;
    }
  }
  if (visit.session) (void)storage_.delete_session(visit.session->session.id);  // replaced
  visit.new_visitor.clear();
  http::Response response = redirect(next);
  response.headers.add("Set-Cookie", browser_.set_cookie(browser_.session_cookie(), *token));
  return response;
}

PageAnswer Pages::log_out(Visit& visit, std::string_view) {
  if (visit.session) {
    if (auto gone = storage_.delete_session(visit.session->session.id); !gone) {
      return trouble_page(visit.say, gone.error());
    }
  }
  http::Response response = redirect("/login");
  response.headers.add("Set-Cookie", browser_.set_cookie(browser_.session_cookie(), ""));
  return response;
}

// A link is looked at by mail programs and the like before its owner does: only the button uses it.
PageAnswer Pages::show_link(Visit& visit, std::string_view token) {
  const Tongue& say = visit.say;
  auto user = people_.link_owner(token, visit.now);
  if (!user) return trouble_page(say, user.error());
  if (*user == nullptr) {
    return page(
        404, say, say("This link is over", "このリンクは無効です"),
        paragraph(
            say("It has been used, or is too old. An administrator makes you another.",
                "使用済みか期限切れです。管理者に再発行してもらってください。")));
  }
  return page(
      200, say, say("Sign in", "ログイン"),
      "<dl>\n" + fact(say("Name", "利用者名"), (*user)->login) + "</dl>\n" +
          form(visit, visit.request.path(), "", say("Sign in", "ログイン")));
}

PageAnswer Pages::use_link(Visit& visit, std::string_view token) {
  auto user = people_.link_owner(token, visit.now);
  if (!user) return trouble_page(visit.say, user.error());
  if (*user == nullptr) return show_link(visit, token);
  if (auto used = people_.redeem_link(token); !used) return show_link(visit, token);
  return proven(visit, **user, "/account", "link");
}

}  // namespace aya::pages
