// What the link of a shared machine leads to: who shares what, and a button for whoever is signed
// in to another account.
#include "coord-server/pages/device_facts.h"
#include "coord-server/pages/pages.h"

namespace aya::pages {
namespace {

using sharing::Offer;

PageAnswer trouble(const Tongue& say, int status, std::string_view text) {
  return page(
      status, say, say("This machine cannot be added", "この端末は追加できません"),
      paragraph(text));
}

PageAnswer refused(const Tongue& say, Offer::Obstacle obstacle) {
  switch (obstacle) {
    case Offer::Obstacle::OwnDevice:
      return trouble(
          say, 409,
          say("It belongs to your own network already.", "すでにあなたのネットワークの端末です。"));
    case Offer::Obstacle::HaveIt:
      return trouble(
          say, 409,
          say("Your network has it already.", "すでにあなたのネットワークに追加されています。"));
    case Offer::Obstacle::Over:
      return trouble(
          say, 409,
          say("The link is used up or too old. Ask for another one.",
              "このリンクは使用済みか期限切れです。新しいリンクをもらってください。"));
    default:
      return trouble(
          say, 404,
          say("The link was taken back, or was not copied whole.",
              "リンクが取り消されたか、途中で切れています。"));
  }
}

}  // namespace

PageAnswer Pages::to_invited(const Visit& visit, std::string_view code, const Invited& then) {
  const Tongue& say = visit.say;
  const store::User* user = user_of(visit);
  if (user == nullptr) return to_login(visit);
  if (const auto why = hindrance(say, *user); !why.empty()) return trouble(say, 403, why);
  const Offer offer = sharing_.offer(code, user->account, visit.now);
  if (offer.obstacle != Offer::Obstacle::None) return refused(say, offer.obstacle);
  return then(*user, offer);
}

PageAnswer Pages::show_invite(Visit& visit, std::string_view code) {
  return to_invited(visit, code, [&](const store::User& user, const Offer& offer) {
    const Tongue& say = visit.say;
    const store::User* sharer = registry_.user(offer.invite->sharer);
    std::string body = "<dl>\n" + fact(say("Machine", "端末"), registry_.full_name(*offer.device)) +
                       fact(say("Shared by", "共有者"), sharer == nullptr ? "" : sharer->login) +
                       fact(say("Signed in as", "利用者"), user.login) +
                       fact(say("Added to", "追加先"), registry_.account(user.account)->domain) +
                       "</dl>\n";
    body += paragraph(
        say("The machines of your network will be able to reach it, as far as your policy and "
            "theirs allow. It cannot open connections to yours.",
            "双方のポリシーが許す範囲で、あなたのネットワークの端末からこの端末に接続できるように"
            "なります。この端末からあなたの端末に接続することはできません。"));
    body += form(visit, visit.request.path(), "", say("Add this machine", "この端末を追加"));
    return page(200, say, say("Add a shared machine", "共有された端末を追加"), body);
  });
}

PageAnswer Pages::accept_invite(Visit& visit, std::string_view code) {
  return to_invited(visit, code, [&](const store::User& user, const Offer& offer) {
    const Tongue& say = visit.say;
    const std::string name = registry_.full_name(*offer.device);
    const auto accepted =
        sharing_.accept(offer, user, people_.entry(user, "ACCEPT", visit.now), visit.now);
    if (!accepted) return trouble_page(say, accepted.error());
    return page(
        200, say, say("The machine is added", "端末を追加しました"),
        "<dl>\n" + fact(say("Name", "名前"), name) + "</dl>\n" +
            paragraph(say("You can close this page.", "このページは閉じてかまいません。")));
  });
}

}  // namespace aya::pages
