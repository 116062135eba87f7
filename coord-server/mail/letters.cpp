#include "coord-server/mail/letters.h"

#include <algorithm>

#include "proto/base/utf8.h"

namespace aya::mail {
namespace {

constexpr std::size_t kLongestName = 120;

// A name in a sentence: nobody's name begins another line of the letter.
std::string named(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = utf8_length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    if (out.size() + size > kLongestName) return out + "…";
    if (size == 0 || lead < 0x20 || lead == 0x7f) {
      out += '?';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string named(const Person& person) {
  const std::string login = named(person.login);
  if (person.name.empty() || person.name == person.login) return login;
  return named(person.name) + " (" + login + ")";
}

// "2026-03-03 09:00 UTC"
std::string shown(WallTime time) {
  std::string text = to_rfc3339(time).substr(0, 16);
  text[10] = ' ';
  return text + " UTC";
}

std::string_view subject_of(store::ContactKind kind) {
  switch (kind) {
    case store::ContactKind::Account:
      return "the account";
    case store::ContactKind::Support:
      return "questions and help";
    case store::ContactKind::Security:
      return "security";
  }
  return "";
}

std::string_view subject_of_in_japanese(store::ContactKind kind) {
  switch (kind) {
    case store::ContactKind::Account:
      return "アカウント";
    case store::ContactKind::Support:
      return "サポート";
    case store::ContactKind::Security:
      return "セキュリティ";
  }
  return "";
}

constexpr std::string_view kOtherTongue = "\n----\n\n";

}  // namespace

Letter user_invite(
    store::UserInviteId id, store::AccountId account, std::string to, const Person& inviter,
    std::string_view network, std::string_view role, const Link& link) {
  const std::string who = named(inviter), where = named(network), until = shown(link.until);
  Letter out{id, std::move(to), {}, {}, account};
  out.subject = who + " invites you to " + where + " / " + where + " への招待";
  out.text = who + " invites you to the private network " + where + ",\nas " + named(role) +
             ". To join, open this link before " + until + ":\n\n" + link.url +
             "\n\nThe link is good once, for whoever opens it first: pass it on to nobody.\n"
             "Nothing happens if you do not follow it.\n";
  out.text += kOtherTongue;
  out.text += who + " さんが、プライベートネットワーク " + where + " にあなたを招待しています\n（役割：" +
              named(role) + "）。参加するには、" + until +
              " までに上のリンクを開いてください。\n\n"
              "リンクは一度だけ使え、最初に開いた人が参加者になります。ほかの人に渡さないでください。\n"
              "心当たりがなければ、このメールは無視してかまいません。\n";
  return out;
}

Letter device_invite(
    store::InviteId id, store::AccountId account, std::string to, const Person& sharer,
    std::string_view device, bool exit_node, const Link& link) {
  const std::string who = named(sharer), what = named(device), until = shown(link.until);
  Letter out{id, std::move(to), {}, {}, account};
  out.subject = who + " shares a device with you / 端末 " + what + " の共有";
  out.text = who + " shares the device " + what + "\nwith your network" +
             (exit_node ? ", also as an exit node" : "") +
             ". To add it, open this link before " + until +
             "\nand sign in to your own network on that server:\n\n" + link.url +
             "\n\nWhoever has the link can add the device: pass it on to nobody.\n"
             "Nothing happens if you do not follow it.\n";
  out.text += kOtherTongue;
  out.text += who + " さんが、端末 " + what + " を\nあなたのネットワークと共有しようとしています" +
              (exit_node ? "（出口ノードとしても使えます）" : "") + "。\n追加するには、" + until +
              " までに上のリンクを開き、自分のネットワークに\nログインしてください。\n\n"
              "リンクを知っている人は誰でも端末を追加できます。ほかの人に渡さないでください。\n"
              "心当たりがなければ、このメールは無視してかまいません。\n";
  return out;
}

Letter contact_proof(
    const OfContact& contact, std::string to, std::string_view network, const Link& link) {
  const std::string where = named(network), until = shown(link.until);
  Letter out{contact, std::move(to), {}, {}, contact.account};
  out.subject = "Confirm this address for " + where + " / " + where + " の連絡先の確認";
  out.text = "An administrator of the private network " + where +
             "\nentered this address as the one to write to about " +
             std::string(subject_of(contact.kind)) + ".\nIf that is right, open this link before " +
             until + "\nand press the button there:\n\n" + link.url +
             "\n\nIf you know nothing of it, ignore this mail: the address is not used then.\n";
  out.text += kOtherTongue;
  out.text += "プライベートネットワーク " + where + " の管理者が、このアドレスを" +
              std::string(subject_of_in_japanese(contact.kind)) +
              "の\n連絡先として登録しました。正しければ、" + until +
              " までに上のリンクを開き、\n表示されたページのボタンを押してください。\n\n"
              "心当たりがなければ、このメールは無視してください。アドレスは使われません。\n";
  return out;
}

Letter trial(std::string to, std::string_view server) {
  Letter out{Trial{}, std::move(to), {}, {}, {}};
  out.subject = "A mail to try it out / 送信テスト";
  out.text = "The Ayatori server at " + named(server) +
             " can send mail: this is one,\nwhich its administrator asked for.\n";
  out.text += kOtherTongue;
  out.text += "Ayatori サーバー " + named(server) +
              " からのテストメールです。管理者が送信を確認するために\n送りました。\n";
  return out;
}

}  // namespace aya::mail
