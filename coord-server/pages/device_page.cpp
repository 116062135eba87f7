#include "coord-server/pages/device_facts.h"
#include "coord-server/pages/pages.h"

namespace aya::pages {
namespace {

http::Response over(const Tongue& say) {
  return page(
      404, say, say("This link is over", "このリンクは無効です"),
      paragraph(say(
          "The device no longer waits under this address, or the link was not copied whole. "
          "Start the login on the device again; it shows a new link.",
          "端末がこのリンクで待機していないか、リンクが途中で切れています。端末でもう一度ログイン"
          "を始めると、新しいリンクが表示されます。")));
}

std::string signed_out(const Tongue& say, const enroll::PendingLogin& login) {
  return "<p><a class=\"button\" id=\"sign-in\" href=\"/login?next=/a/" + login.id + "\">" +
         escaped(say("Sign in to add it", "ログインして追加")) + "</a></p>\n" +
         paragraph(
             say("Or give the code to an administrator, who lets the device in with:",
                 "または、コードを管理者に伝えてください。管理者は次のコマンドで承認できます。")) +
         "<pre>ayatori-coord node approve " + escaped(login.code) + "</pre>\n";
}

}  // namespace

PageAnswer Pages::show_device(Visit& visit, std::string_view id) {
  const Tongue& say = visit.say;
  const enroll::PendingLogin* login = enrollment_.logins().find(id, visit.now);
  if (login == nullptr || login->rejected) return over(say);
  std::string body = paragraph(
      say("A device wants to join. Go on only if the code is the one you see there, or if you "
          "have just started this yourself.",
          "端末が参加を求めています。端末に同じコードが表示されているか、自分で始めた操作であること"
          "を確かめてから進んでください。"));
  body += device_facts(say, *login);
  const store::User* user = user_of(visit);
  if (user == nullptr) {
    body += signed_out(say, *login);
  } else if (const auto why = hindrance(say, *user); !why.empty()) {
    body += "<p class=\"bad\">" + escaped(why) + "</p>\n";
  } else {
    const store::Account* account = registry_.account(user->account);
    body += "<dl>\n" + fact(say("Signed in as", "利用者"), user->login) +
            fact(say("Joins", "参加先"), account->domain) + "</dl>\n" +
            form(visit, visit.request.path(), "", say("Add this device", "この端末を追加"));
  }
  return page(200, say, say("Add a device", "端末を追加"), body);
}

PageAnswer Pages::add_device(Visit& visit, std::string_view id) {
  const Tongue& say = visit.say;
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  const enroll::PendingLogin* login = enrollment_.logins().find(id, visit.now);
  if (login == nullptr || login->rejected) return over(say);
  if (!hindrance(say, *user).empty()) return show_device(visit, id);
  enroll::Admission admission;
  admission.account = user->account;
  admission.user = user->id;
  admission.ephemeral = login->request.ephemeral;
  admission.how = "login page";
  admission.by = people_.entry(*user, "CREATE", visit.now);
  auto node = enrollment_.approve(*login, admission, visit.now);
  if (!node) {
    return page(
        409, say, say("Not added", "追加できませんでした"),
        "<p class=\"bad\">" + escaped(node.error()) + "</p>\n");
  }
  std::string body = "<dl>\n" + fact(say("Name", "名前"), registry_.full_name(**node)) +
                     fact(say("Address", "アドレス"), (*node)->record.ipv4.to_text()) + "</dl>\n";
  body += paragraph(
      (*node)->record.authorized
          ? say("You can close this page.", "このページは閉じてかまいません。")
          : say("An administrator still has to approve it.", "管理者の承認を待っています。"));
  return page(200, say, say("The device is in", "端末を追加しました"), body);
}

}  // namespace aya::pages
