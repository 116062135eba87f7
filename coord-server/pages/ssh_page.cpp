// What an SSH session leads to that has to be confirmed: whose machine wants in where, and a button
// for the owner of that machine, who must have signed in not long ago.
#include "coord-server/pages/pages.h"

namespace aya::pages {
namespace {

using ssh_check::Check;

http::Response no_session(const Tongue& say) {
  return page(
      404, say, say("This link is over", "このリンクは無効です"),
      paragraph(say(
          "The session has been decided about, or does not wait any more. Start it again; it shows "
          "a new link.",
          "この接続はすでに処理されたか、待機を終えています。もう一度接続すると、新しいリンクが"
          "表示されます。")));
}

http::Response not_yours(const Tongue& say) {
  return page(
      403, say, say("This is not for you", "あなたの接続ではありません"),
      paragraph(say(
          "The session comes from somebody else's machine. Only its owner can confirm it.",
          "この接続は別の利用者の端末からのものです。確認できるのは端末の所有者だけです。")));
}

http::Response decided(const Tongue& say, bool approved) {
  return page(
      200, say,
      approved ? say("The session begins", "接続を許可しました")
               : say("The session is refused", "接続を拒否しました"),
      paragraph(say("You can close this page.", "このページは閉じてかまいません。")));
}

}  // namespace

PageAnswer Pages::to_owner(Visit& visit, std::string_view id, const Checked& then) {
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  const Check* check = checks_.find(id, visit.now);
  if (check == nullptr) return no_session(visit.say);
  // Whose page it is is no secret to whoever holds its address; what it says is.
  if (user->id != check->owner) return not_yours(visit.say);
  if (registry_.find(check->from) == nullptr || registry_.find(check->to) == nullptr) {
    return no_session(visit.say);
  }
  return then(*user, *check);
}

PageAnswer Pages::show_ssh(Visit& visit, std::string_view id) {
  return to_owner(visit, id, [&](const store::User& user, const Check& check) {
    const Tongue& say = visit.say;
    std::string body = paragraph(
        say("An SSH session waits for you. Go on only if you have just started it yourself.",
            "SSH 接続があなたの確認を待っています。自分で始めた接続であることを確かめてから進んで"
            "ください。"));
    body += "<dl>\n" +
            fact(say("From", "接続元"), registry_.full_name(*registry_.find(check.from))) +
            fact(say("To", "接続先"), registry_.full_name(*registry_.find(check.to))) +
            fact(say("As", "アカウント"), check.local_user) +
            fact(say("Signed in as", "利用者"), user.login) + "</dl>\n";
    const std::string at(visit.request.path());
    if (check.is_fresh(visit.session->session.created, visit.now)) {
      body += form(
          visit, at, hidden("decision", "approve"), say("Let it begin", "接続を許可"));
    } else {
      body += paragraph(
          say("It asks that you sign in anew.", "もう一度ログインする必要があります。"));
      body += form(visit, at, hidden("decision", "again"), say("Sign in", "ログイン"));
    }
    body += form(visit, at, hidden("decision", "refuse"), say("Refuse it", "拒否"), true);
    return page(200, say, say("An SSH session", "SSH 接続の確認"), body);
  });
}

PageAnswer Pages::decide_ssh(Visit& visit, std::string_view id) {
  return to_owner(visit, id, [&](const store::User& user, const Check& check) -> PageAnswer {
    const std::string decision = visit.field("decision");
    const WallTime signed_in = visit.session->session.created;
    if (decision == "again") return sign_in_again(visit);
    const bool approved = decision == "approve";
    if (approved && !check.is_fresh(signed_in, visit.now)) return show_ssh(visit, id);
    if (!approved && decision != "refuse") return show_ssh(visit, id);
    const nodes::Node& to = *registry_.find(check.to);
    store::AuditEntry audit = people_.entry(user, approved ? "APPROVE" : "REJECT", visit.now);
    audit.account = to.account();
    audit.target_type = "NODE";
    audit.target_id = to.record.stable_id;
    audit.target_name = registry_.full_name(to);
    audit.property = "SSH_CHECK";
    audit.details =
        "from " + registry_.full_name(*registry_.find(check.from)) + " as " + check.local_user;
    if (auto noted = registry_.note(audit); !noted) return trouble_page(visit.say, noted.error());
    if (approved) {
      checks_.approve(check, signed_in, visit.now);
    } else {
      checks_.refuse(check, visit.now);
    }
    return decided(visit.say, approved);
  });
}

// The session ends, and the way back here leads through the login.
PageAnswer Pages::sign_in_again(Visit& visit) {
  if (auto gone = storage_.delete_session(visit.session->session.id); !gone) {
    return trouble_page(visit.say, gone.error());
  }
  http::Response response =
      redirect("/login?next=" + http::percent_encode(safe_next(visit.request.path())));
  response.headers.add("Set-Cookie", browser_.set_cookie(browser_.session_cookie(), ""));
  return response;
}

}  // namespace aya::pages
