#include "coord-server/pages/pages.h"
#include "coord-server/pages/password_fault.h"
#include "proto/crypto/password.h"

namespace aya::pages {
namespace {

std::string heading(std::string_view text) { return "<h2>" + escaped(text) + "</h2>\n"; }

std::string host_of(const std::string& origin) { return origin.substr(origin.find("://") + 3); }

std::string secret_in_fours(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && i % 4 == 0) out += ' ';
    out += text[i];
  }
  return out;
}

}  // namespace

bool Pages::came_by_link(const Visit& visit) const {
  const auto found = by_link_.find(visit.session->session.id);
  return found != by_link_.end() && found->second > visit.now;
}

http::Response Pages::account_page(const Visit& visit, int status, std::string_view note) {
  const Tongue& say = visit.say;
  const store::User& user = *user_of(visit);
  auto kept = storage_.credentials(user.id);
  if (!kept) return trouble_page(say, kept.error());
  auto sessions = storage_.sessions(user.id);
  if (!sessions) return trouble_page(say, sessions.error());
  const store::Account* account = registry_.account(user.account);
  std::string body;
  if (!note.empty()) {
    body += std::string("<p role=\"alert\"") + (status < 400 ? "" : " class=\"bad\"") + '>' +
            escaped(note) + "</p>\n";
  }
  body += "<dl>\n" + fact(say("Name", "利用者名"), user.login) +
          fact(say("Network", "ネットワーク"), account->domain) +
          fact(say("Role", "役割"), user.role) + "</dl>\n" + heading(say("Password", "パスワード"));
  std::string fields;
  if (!kept->password.empty() && !came_by_link(visit)) {
    fields += input(
        say("Password until now", "現在のパスワード"), "current", "password", "current-password");
  }
  fields += input(say("New password", "新しいパスワード"), "new", "password", "new-password");
  body += form(visit, "/account/password", fields, say("Set password", "パスワードを設定"));
  body += heading(say("Second factor", "二要素認証"));
  if (kept->totp.empty()) {
    body += "<p><a href=\"/account/second-factor\">" +
            escaped(say("Set up an authenticator", "認証アプリを設定する")) + "</a></p>\n";
  } else {
    body += paragraph(
        std::string(say("On. Recovery codes left: ", "有効です。残りの回復コード：")) +
        std::to_string(kept->recovery.size()));
    body += form(
        visit, "/account/second-factor/end",
        input(say("Code", "認証コード"), "code", "text", "one-time-code"),
        say("Turn it off", "無効にする"), true);
  }
  body += heading(say("Where you are signed in", "ログイン中の場所")) + "<ul>\n";
  for (const store::BrowserSession& session : *sessions) {
    body += "<li>" + escaped(session.where) + " (" + escaped(to_rfc3339(session.used)) + ")</li>\n";
  }
  body += "</ul>\n";
  if (sessions->size() > 1) {
    body += form(
        visit, "/account/sessions", "", say("Sign out everywhere else", "他の場所をログアウト"),
        true);
  }
  body += form(visit, "/logout", "", say("Sign out", "ログアウト"), true);
  return page(status, say, say("Your login", "ログイン設定"), body);
}

PageAnswer Pages::show_account(Visit& visit, std::string_view) {
  if (user_of(visit) == nullptr) return to_login(visit);
  return account_page(visit, 200, "");
}

PageAnswer Pages::change_password(Visit& visit, std::string_view) {
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  const std::string wanted = visit.field("new");
  if (const auto fault = people::fault_of(wanted, user->login);
      fault != people::PasswordFault::None) {
    return account_page(visit, 400, fault_text(visit.say, fault));
  }
  auto kept = storage_.credentials(user->id);
  if (!kept) return trouble_page(visit.say, kept.error());
  if (kept->password.empty() || came_by_link(visit)) return store_password(visit, wanted);
  const std::string who = "change " + std::to_string(user->id.value);
  if (by_name_.wait(who, visit.now).count() > 0) {
    return account_page(visit, 429, visit.say("Wait a while.", "しばらく待ってください。"));
  }
  return Errand{
      PasswordWork{visit.field("current"), kept->password},
      [this, visit, wanted, who](const Done& done, WallTime now) mutable -> PageAnswer {
        visit.now = now;
        if (user_of(visit) == nullptr) return to_login(visit);
        if (done.matches) return store_password(visit, wanted);
        by_name_.failed(who, now);
        return account_page(
            visit, 403,
            visit.say("The password until now is wrong.", "現在のパスワードが違います。"));
      }};
}

PageAnswer Pages::store_password(Visit& visit, const std::string& password) {
  return Errand{
      PasswordWork{password, ""},
      [this, visit](const Done& done, WallTime now) mutable -> PageAnswer {
        visit.now = now;
        const store::User* user = user_of(visit);
        if (user == nullptr) return to_login(visit);
        if (done.hash.empty()) {
          return account_page(
              visit, 503,
              visit.say(
                  "The server is busy. Try again.", "混み合っています。やり直してください。"));
        }
        store::AuditEntry audit = people_.entry(*user, "UPDATE", now);
        audit.property = "PASSWORD";
        auto stored = people_.set_password(*user, done.hash, visit.session->session.id, audit);
        if (!stored) return trouble_page(visit.say, stored.error());
        return account_page(
            visit, 200,
            visit.say(
                "The password is set. Other places have been signed out.",
                "パスワードを設定しました。他の場所はログアウトされました。"));
      }};
}

PageAnswer Pages::end_other_sessions(Visit& visit, std::string_view) {
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  auto ended = storage_.delete_sessions(user->id, visit.session->session.id);
  if (!ended) return trouble_page(visit.say, ended.error());
  return redirect("/account");
}

// The secret travels with the form until it is proven: nothing is kept of a set-up that nobody
// finished.
PageAnswer Pages::show_second_factor(Visit& visit, std::string_view) {
  const Tongue& say = visit.say;
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  const auto sent = people::parse_totp_text(visit.field("secret"));
  const people::TotpSecret secret = sent ? *sent : rng_.array<20>();
  const std::string text = people::totp_text(secret);
  const std::string uri = people::totp_uri(secret, user->login, host_of(browser_.origin()));
  std::string body;
  if (sent) {
    body += "<p class=\"bad\" role=\"alert\">" +
            escaped(say("That code is wrong.", "コードが違います。")) + "</p>\n";
  }
  body += paragraph(
      say("Put this key into your authenticator, then type the code it shows.",
          "次のキーを認証アプリに登録し、表示されたコードを入力してください。"));
  body += "<p class=\"code\" id=\"secret\">" + secret_in_fours(text) + "</p>\n<p><a href=\"" +
          escaped(uri) + "\">" +
          escaped(say("Open the authenticator here", "この端末の認証アプリを開く")) + "</a></p>\n" +
          form(
              visit, "/account/second-factor",
              input(say("Code", "認証コード"), "code", "text", "one-time-code") +
                  hidden("secret", text),
              say("Turn it on", "有効にする"));
  return page(sent ? 403 : 200, say, say("Second factor", "二要素認証"), body);
}

PageAnswer Pages::set_second_factor(Visit& visit, std::string_view rest) {
  const Tongue& say = visit.say;
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  auto kept = storage_.credentials(user->id);
  if (!kept) return trouble_page(say, kept.error());
  if (!kept->totp.empty()) return redirect("/account");  // one after the other
  const auto secret = people::parse_totp_text(visit.field("secret"));
  if (!secret) return redirect("/account/second-factor");
  const auto step = people::match_totp(*secret, visit.field("code"), visit.now, 0);
  if (!step) return show_second_factor(visit, rest);
  auto codes = people_.set_totp(*user, *secret, *step, visit.now);
  if (!codes) return trouble_page(say, codes.error());
  std::string list;
  for (const std::string& code : *codes) list += code + '\n';
  return page(
      200, say, say("Second factor is on", "二要素認証を有効にしました"),
      paragraph(say(
          "Keep these recovery codes somewhere safe: each signs you in once if the "
          "authenticator is lost. They are shown this once.",
          "次の回復コードを安全な場所に保管してください。認証アプリを失ったとき、それぞれ一度だけ"
          "使えます。表示は今回限りです。")) +
          "<pre id=\"recovery\">" + list + "</pre>\n<p><a class=\"button\" href=\"/account\">" +
          escaped(say("Done", "完了")) + "</a></p>\n");
}

PageAnswer Pages::end_second_factor(Visit& visit, std::string_view) {
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  const std::string who = "code " + std::to_string(user->id.value);
  if (by_name_.wait(who, visit.now).count() > 0) {
    return account_page(visit, 429, visit.say("Wait a while.", "しばらく待ってください。"));
  }
  auto right = people_.prove(*user, visit.field("code"), visit.now);
  if (!right) return trouble_page(visit.say, right.error());
  if (!*right) {
    by_name_.failed(who, visit.now);
    return account_page(
        visit, 403, visit.say("That code is wrong or used.", "コードが違うか、使用済みです。"));
  }
  store::AuditEntry audit = people_.entry(*user, "DISABLE", visit.now);
  audit.property = "SECOND_FACTOR";
  if (auto cleared = people_.clear_totp(*user, audit); !cleared) {
    return trouble_page(visit.say, cleared.error());
  }
  return redirect("/account");
}

}  // namespace aya::pages
