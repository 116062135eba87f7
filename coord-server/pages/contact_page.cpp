// What the link in a mail to a new contact address leads to: which network wants to write there,
// and a button. Opening the page changes nothing: mail programs follow links by themselves.
#include "coord-server/pages/pages.h"

namespace aya::pages {
namespace {

using store::ContactKind;
using store::WaitingContact;

http::Response no_longer_good(const Tongue& say) {
  return page(
      404, say, say("This link is over", "このリンクは無効です"),
      paragraph(say(
          "It has been used, another mail was sent after it, or it is too old. Ask the "
          "administrator of the network for another one.",
          "使用済みか、新しいメールが送信済みか、期限切れです。ネットワークの管理者に再送を"
          "依頼してください。")));
}

std::string_view purpose(const Tongue& say, ContactKind kind) {
  switch (kind) {
    case ContactKind::Account:
      return say("The account", "アカウント");
    case ContactKind::Support:
      return say("Questions and help", "サポート");
    case ContactKind::Security:
      break;
  }
  return say("Security", "セキュリティ");
}

}  // namespace

PageAnswer Pages::show_contact(Visit& visit, std::string_view token) {
  const Tongue& say = visit.say;
  const WaitingContact* contact = contacts_.followed(token, visit.now);
  if (contact == nullptr) return no_longer_good(say);
  const std::string body =
      paragraph(say("An administrator entered your address as the one to write to about this.",
                    "管理者があなたのアドレスを連絡先として登録しました。")) +
      "<dl>\n" + fact(say("Address", "アドレス"), contact->email) +
      fact(say("Network", "ネットワーク"), registry_.account(contact->account)->domain) +
      fact(say("About", "用件"), purpose(say, contact->kind)) + "</dl>\n" +
      form(visit, visit.request.path(), "", say("Confirm this address", "このアドレスを確認する"));
  return page(200, say, say("Is this address yours?", "連絡先の確認"), body);
}

PageAnswer Pages::confirm_contact(Visit& visit, std::string_view token) {
  const Tongue& say = visit.say;
  const WaitingContact* contact = contacts_.followed(token, visit.now);
  if (contact == nullptr) return no_longer_good(say);
  if (auto set = contacts_.confirm(*contact, visit.from.to_text(), visit.now); !set) {
    return trouble_page(say, set.error());
  }
  return page(
      200, say, say("The address is confirmed", "アドレスを確認しました"),
      paragraph(say("You can close this page.", "このページは閉じてかまいません。")));
}

}  // namespace aya::pages
