// What an invitation leads to: a name and a password of one's own, or a login by another provider,
// and one is a user of the network.
#include "coord-server/pages/pages.h"
#include "coord-server/pages/password_fault.h"
#include "coord-server/people/login_name.h"

namespace aya::pages {
namespace {

using people::UserInvite;

constexpr std::string_view kPath = "/join/";

http::Response no_invitation(const Tongue& say) {
  return page(
      404, say, say("This invitation is over", "この招待は無効です"),
      paragraph(
          say("It has been used or taken back, or is too old. Ask for another one.",
              "使用済みか、取り消されたか、期限切れです。新しい招待をもらってください。")));
}

}  // namespace

const UserInvite* Pages::invite_at(
    std::string_view next, store::AccountId account, WallTime now) const {
  if (!next.starts_with(kPath)) return nullptr;
  const UserInvite* invite = invitations_.followed(next.substr(kPath.size()), now);
  return invite != nullptr && invite->account == account ? invite : nullptr;
}

http::Response Pages::join_page(
    const Visit& visit, const UserInvite& invite, int status, std::string_view trouble) {
  const Tongue& say = visit.say;
  const std::string suggested =
      visit.request.method == "POST" ? visit.field("user") : invite.email;
  std::string body =
      "<dl>\n" + fact(say("Network", "ネットワーク"), registry_.account(invite.account)->domain) +
      fact(say("Invited by", "招待した人"), registry_.user(invite.inviter)->login) +
      fact(say("Role", "役割"), invite.role) + "</dl>\n";
  if (!trouble.empty()) body += "<p class=\"bad\" role=\"alert\">" + escaped(trouble) + "</p>\n";
  body += provider_button(say, std::string(visit.request.path()));
  body += form(
      visit, visit.request.path(),
      input(say("Name to sign in with", "利用者名"), "user", "text", "username", suggested) +
          input(
              say("Name for others to see (may be left empty)", "表示名（省略可）"), "name", "text",
              "name", visit.field("name")) +
          input(say("Password", "パスワード"), "password", "password", "new-password"),
      say("Join", "参加する"));
  return page(status, say, say("You are invited", "ネットワークへの招待"), body);
}

PageAnswer Pages::show_join(Visit& visit, std::string_view code) {
  const UserInvite* invite = invitations_.followed(code, visit.now);
  if (invite == nullptr) return no_invitation(visit.say);
  if (const store::User* user = user_of(visit); user && user->account == invite->account) {
    return redirect("/account");  // is there already; the invitation is for somebody else
  }
  return join_page(visit, *invite, 200, "");
}

PageAnswer Pages::join(Visit& visit, std::string_view code) {
  const Tongue& say = visit.say;
  const UserInvite* invite = invitations_.followed(code, visit.now);
  if (invite == nullptr) return no_invitation(say);
  const std::string login = visit.field("user");
  if (!people::is_login(login)) {
    return join_page(
        visit, *invite, 400,
        say("The name: 1 to 64 letters, digits and . _ - @ +",
            "利用者名は英数字と . _ - @ + の 64 文字以内です。"));
  }
  const std::string password = visit.field("password");
  if (const auto fault = people::fault_of(password, login); fault != people::PasswordFault::None) {
    return join_page(visit, *invite, 400, fault_text(say, fault));
  }
  const auto taken = [this, login](const Visit& at, const UserInvite& by) {
    return join_page(
        at, by, 409,
        at.say("Somebody else has that name.", "その利用者名はすでに使われています。"));
  };
  if (registry_.user_named(invite->account, login) != nullptr) return taken(visit, *invite);
  return Errand{
      PasswordWork{password, ""},
      [this, visit, taken, login,
       code = std::string(code)](const Done& done, WallTime now) mutable -> PageAnswer {
        visit.now = now;
        const UserInvite* by = invitations_.followed(code, now);
        if (by == nullptr) return no_invitation(visit.say);
        if (!done.trouble.empty()) {
          return join_page(
              visit, *by, 503,
              visit.say("The server is busy. Try again in a moment.",
                        "混み合っています。少し待ってからやり直してください。"));
        }
        store::User actor;
        actor.account = by->account;
        actor.login = login;
        store::AuditEntry audit = people_.entry(actor, "CREATE", now);
        audit.details = "invited by " + registry_.user(by->inviter)->login;
        auto made = invitations_.accept(
            *by, login, visit.field("name").substr(0, 200), {{}, {}, done.hash}, audit, now);
        if (made) return sign_in(visit, *registry_.user(made->id), "/account", "invitation");
        if (made.error().kind == store::StoreError::Kind::Taken) return taken(visit, *by);
        return trouble_page(visit.say, made.error());
      }};
}

}  // namespace aya::pages
