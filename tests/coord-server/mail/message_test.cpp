#include "coord-server/mail/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mail_text.h"

namespace aya::mail {
namespace {

using test::MailText;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;

Message message() {
  Message out;
  out.from = {"Our net", "net@mail.example"};
  out.to = "dora@example.com";
  out.subject = "Hello";
  out.text = "One line\n";
  out.date = *parse_rfc3339("2026-02-01T09:05:07Z");
  out.id = "0123abcd";
  return out;
}

MailText read(const Message& message) {
  const std::string mail = compose(message);
  const auto text = MailText::read(mail);
  EXPECT_TRUE(text) << mail;
  return text.value_or(MailText{});
}

TEST(Message, IsWrittenAsTheFormatSays) {
  EXPECT_EQ(
      compose(message()),
      "From: \"Our net\"\r\n <net@mail.example>\r\n"
      "To: <dora@example.com>\r\n"
      "Subject: Hello\r\n"
      "Date: Sun, 01 Feb 2026 09:05:07 +0000\r\n"
      "Message-ID: <0123abcd@mail.example>\r\n"
      "Auto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n"
      "\r\n"
      "One line\r\n");
}

TEST(Message, NeedsNoNameOfTheSender) {
  Message m = message();
  m.from.name.clear();
  EXPECT_THAT(compose(m), testing::StartsWith("From: <net@mail.example>\r\nTo: "));
}

TEST(Message, CarriesEveryScript) {
  Message m = message();
  m.from.name = "山田さんの家";
  m.subject = "山田太郎 invites you to 家のネットワーク / とても長い名前のネットワーク への招待 😀";
  m.text = "山田太郎 さんが\n招待しています。\n\nÄÖÜ = 100 %\n";
  const MailText got = read(m);
  EXPECT_EQ(got.header("From"), "山田さんの家 <net@mail.example>");
  EXPECT_EQ(got.header("Subject"), m.subject);
  EXPECT_EQ(got.text, m.text);
}

// What is long, or looks like an encoded word, is made one.
TEST(Message, KeepsSubjectsAsTheyAre) {
  for (const std::string& subject :
       {std::string("plain"), std::string(""), std::string("=?UTF-8?B?AAAA?="),
        std::string(61, 'x'), std::string(200, 'y') + "é", std::string("quotes \"and\" \\ such")}) {
    Message m = message();
    m.subject = subject;
    EXPECT_EQ(read(m).header("Subject"), subject);
  }
}

TEST(Message, QuotesNames) {
  Message m = message();
  m.from.name = "Net, \"ours\" \\ <x@y>";
  EXPECT_THAT(
      compose(m),
      HasSubstr("From: \"Net, \\\"ours\\\" \\\\ <x@y>\"\r\n <net@mail.example>"));
}

TEST(Message, LetsNoTextBeAHeader) {
  Message m = message();
  m.from.name = "A\r\nBcc: x@y";
  m.subject = "B\nContent-Type: text/html\r\n\r\n<b>\x7f";
  m.text = "C\r\n.\r\nMAIL FROM:<x@y>\r\n";
  const MailText got = read(m);
  EXPECT_THAT(
      got.headers, ElementsAre(
                       Key("From"), Key("To"), Key("Subject"), Key("Date"), Key("Message-ID"),
                       Key("Auto-Submitted"), Key("MIME-Version"), Key("Content-Type"),
                       Key("Content-Transfer-Encoding")));
  EXPECT_EQ(got.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(got.header("Subject"), "B Content-Type: text/html    <b> ");
  EXPECT_EQ(got.text, m.text);
}

TEST(Message, MendsWhatIsNotUtf8) {
  Message m = message();
  m.subject = "caf\xe9 \xf0\x9f\x98";
  EXPECT_EQ(read(m).header("Subject"), "caf? ???");
}

TEST(Message, BreaksLongLinesAndKeepsBlanksAtTheirEnds) {
  Message m = message();
  m.text = std::string(300, 'a') + " \n" + std::string(200, '=') + "\t\nhttps://x/?a=b\n";
  EXPECT_EQ(read(m).text, m.text);
}

}  // namespace
}  // namespace aya::mail
