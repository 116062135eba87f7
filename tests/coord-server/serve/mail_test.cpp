// What the server mails, to whom, how often, and what becomes of addresses that have to be proven.
#include "tests/coord-server/serve/mail_bench.h"

namespace aya::serve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kInvites = "/api/v2/tailnet/-/user-invites";
constexpr const char* kContacts = "/api/v2/tailnet/-/contacts";

class Mail : public MailBench {
 protected:
  void without_mail() {
    mail_from.reset();
    start();
  }
  Json invite(const std::string& email) {
    return api("POST", kInvites, Json::array({{{"role", "member"}, {"email", email}}})).at(0);
  }
  Json contact(const std::string& kind) { return api("GET", kContacts).at(kind); }
  void set_contact(const std::string& kind, const std::string& email) {
    api("PATCH", kContacts + ("/" + kind), {{"email", email}});
    EXPECT_EQ(reply.status, 200);
  }
  Json last_change() {
    const std::string path = "/api/v2/tailnet/-/logging/configuration";
    return api("GET", path + "?start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z")
        .at("logs")
        .back();
  }
};

TEST_F(Mail, CarriesInvitationsOfPeople) {
  api("POST", "/api/v2/tailnet/-/users", {{"loginName", "taro"}, {"displayName", "山田太郎"}});
  mail_server = mail::NotTaken{0, "nobody there"};
  const Json made = invite("dora@example.com");
  EXPECT_EQ(made.at("lastEmailSentAt"), kZeroTimeText);
  EXPECT_EQ(made.at("emailWaiting"), true);
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_EQ(mails[0].from, "net@mail.example");
  EXPECT_EQ(mails[0].to, "dora@example.com");
  const test::MailText mail = last_mail();
  EXPECT_EQ(mail.header("From"), "家のネット <net@mail.example>");
  EXPECT_THAT(mail.header("Subject"), HasSubstr("alice invites you to default.mesh.test"));
  EXPECT_THAT(mail.text, HasSubstr("before 2026-03-03 09:00 UTC"));
  EXPECT_EQ("https://coord.test" + link(), made.at("inviteUrl"));

  mail_server = std::string("250 taken");
  advance(11s);
  deliver_mails();
  const Json later = api("GET", "/api/v2/user-invites/" + made.at("id").get<std::string>());
  EXPECT_EQ(later.at("lastEmailSentAt"), "2026-02-01T09:00:11Z");
  EXPECT_FALSE(later.contains("emailWaiting"));
  start();
  EXPECT_EQ(api("GET", kInvites).at(0).at("lastEmailSentAt"), "2026-02-01T09:00:11Z");
}

TEST_F(Mail, CarriesInvitationsToDevices) {
  const Machine& m = joined("nas");
  const Json made =
      api("POST", device(m) + "/device-invites",
          Json::array({{{"email", "dora@example.org"}, {"allowExitNode", true}}, Json::object()}));
  ASSERT_THAT(mails, SizeIs(1));
  EXPECT_THAT(last_mail().text, AllOf(HasSubstr("nas.default.mesh.test"), HasSubstr("exit node")));
  EXPECT_EQ("https://coord.test" + link(), made.at(0).at("inviteUrl"));
  EXPECT_FALSE(made.at(1).contains("lastEmailSentAt"));
  const std::string path = "/api/v2/device-invites/" + made.at(0).at("id").get<std::string>();
  EXPECT_EQ(api("GET", path).at("lastEmailSentAt"), "2026-02-01T09:00:00Z");
  EXPECT_EQ(api("POST", path + "/resend"), Json::object());
  EXPECT_THAT(mails, SizeIs(2));
  EXPECT_EQ(last_change().at("action"), "RESEND");
  api("POST", "/api/v2/device-invites/" + made.at(1).at("id").get<std::string>() + "/resend");
  EXPECT_EQ(reply.status, 400);  // there is no address
}

TEST_F(Mail, IsSentAgainWhenAskedButNotAllTheTime) {
  const std::string path =
      "/api/v2/user-invites/" + invite("dora@example.com").at("id").get<std::string>() + "/resend";
  for (int i = 0; i < 2; ++i) EXPECT_EQ(api("POST", path), Json::object());
  EXPECT_THAT(mails, SizeIs(3));
  api("POST", path);
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.get("Retry-After"), "3600");
  EXPECT_THAT(mails, SizeIs(3));
  advance(std::chrono::hours(1));
  EXPECT_EQ(api("POST", path), Json::object());
  EXPECT_THAT(mails, SizeIs(4));
}

TEST_F(Mail, OfTooManyInvitationsToOneIsRefusedAndSaidToBe) {
  for (int i = 0; i < 10; ++i) invite("dora@example.com");
  const Json made = invite("dora@example.com");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(std::string(reply.headers.get("Warning")), HasSubstr("not mailed"));
  EXPECT_FALSE(made.contains("emailWaiting"));
  EXPECT_THAT(mails, SizeIs(10));
}

TEST_F(Mail, IsNotSentAboutWhatWasTakenBack) {
  mail_server = mail::NotTaken{0, "nobody there"};
  const Json made = invite("dora@example.com");
  api("DELETE", "/api/v2/user-invites/" + made.at("id").get<std::string>());
  const Machine& m = joined("nas");
  api("POST", device(m) + "/device-invites", Json::array({{{"email", "dora@example.org"}}}));
  api("DELETE", device(m));
  set_contact("support", "ops@example.com");
  set_contact("support", "");
  EXPECT_THAT(mails, SizeIs(3));
  advance(std::chrono::hours(1));
  deliver_mails();
  EXPECT_THAT(mails, SizeIs(3));
}

TEST_F(Mail, NeedsAnAddress) {
  for (const char* email : {"dora", "a@b\r\nBcc: c@d", "a@b, c@d"}) {
    api("POST", kInvites, Json::array({{{"role", "member"}, {"email", email}}}));
    EXPECT_EQ(reply.status, 400);
    api("PATCH", kContacts + std::string("/support"), {{"email", email}});
    EXPECT_EQ(reply.status, 400);
  }
  EXPECT_THAT(mails, IsEmpty());
}

TEST_F(Mail, IsNotMissedWhereNoneIsConfigured) {
  without_mail();
  const Json made = invite("dora@example.com");
  EXPECT_EQ(made.at("lastEmailSentAt"), kZeroTimeText);
  EXPECT_FALSE(reply.headers.has("Warning"));
  const Json refused =
      api("POST", "/api/v2/user-invites/" + made.at("id").get<std::string>() + "/resend");
  EXPECT_EQ(reply.status, 501);
  EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("smtp_url"));
  set_contact("support", "ops@example.com");
  EXPECT_EQ(contact("support"), Json({{"email", "ops@example.com"}, {"needsVerification", false}}));
  EXPECT_THAT(mails, IsEmpty());
}

TEST_F(Mail, ProvesContacts) {
  without_mail();
  set_contact("support", "old@example.com");
  mail_from = mail::Mailbox{"", "net@mail.example"};
  start();
  set_contact("support", "new@example.com");
  const Json waiting = {
      {"email", "new@example.com"},
      {"fallbackEmail", "old@example.com"},
      {"needsVerification", true}};
  EXPECT_EQ(contact("support"), waiting);
  EXPECT_EQ(mails.back().to, "new@example.com");
  start();  // only a hash of the link has been kept, and that suffices
  EXPECT_EQ(contact("support"), waiting);

  const std::string path = link();
  const http::Response shown = page("GET", path);
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(
      std::string(as_text(shown.body)),
      AllOf(HasSubstr("new@example.com"), HasSubstr("default.mesh.test")));
  EXPECT_EQ(page("HEAD", path).status, 200);
  EXPECT_EQ(contact("support"), waiting);  // looking changes nothing
  EXPECT_EQ(page("POST", path, "form=guessed").status, 403);
  EXPECT_EQ(contact("support"), waiting);

  EXPECT_EQ(press_button(path).status, 200);
  EXPECT_EQ(contact("support"), Json({{"email", "new@example.com"}, {"needsVerification", false}}));
  const Json change = last_change();
  EXPECT_EQ(change.at("action"), "VERIFY");
  EXPECT_EQ(change.at("old"), Json({{"support", "old@example.com"}}));
  EXPECT_EQ(change.at("new"), Json({{"support", "new@example.com"}}));
  EXPECT_EQ(change.at("actor").at("displayName"), "new@example.com");
  EXPECT_EQ(page("GET", path).status, 404);
}

TEST_F(Mail, LetsContactsChangeTheirMind) {
  set_contact("account", "a@example.com");
  EXPECT_EQ(contact("account"), Json({{"email", "a@example.com"}, {"needsVerification", true}}));
  const std::string first = link();
  set_contact("account", "b@example.com");
  EXPECT_EQ(page("GET", first).status, 404);
  press_button(link());
  EXPECT_EQ(contact("account").at("needsVerification"), false);
  set_contact("account", "c@example.com");
  const std::string third = link();
  set_contact("account", "b@example.com");  // which has been proven
  EXPECT_EQ(contact("account"), Json({{"email", "b@example.com"}, {"needsVerification", false}}));
  EXPECT_EQ(page("GET", third).status, 404);
  EXPECT_THAT(mails, SizeIs(3));
  set_contact("account", "");
  EXPECT_EQ(contact("account"), Json({{"email", ""}, {"needsVerification", false}}));
}

TEST_F(Mail, OfAContactIsSentAgainWithAnotherLink) {
  const std::string resend = kContacts + std::string("/security/resend-verification-email");
  api("POST", resend);
  EXPECT_EQ(reply.status, 409);
  api("POST", kContacts + std::string("/nobody/resend-verification-email"));
  EXPECT_EQ(reply.status, 404);
  set_contact("security", "sec@example.com");
  const std::string first = link();
  EXPECT_EQ(api("POST", resend), Json::object());
  EXPECT_NE(link(), first);
  EXPECT_EQ(page("GET", first).status, 404);
  advance(std::chrono::days(3));
  EXPECT_EQ(page("GET", link()).status, 404);
  EXPECT_EQ(api("POST", resend), Json::object());
  EXPECT_EQ(press_button(link()).status, 200);
  EXPECT_EQ(contact("security").at("needsVerification"), false);
}

TEST_F(Mail, IsNotWaitedForOnceItIsSwitchedOff) {
  set_contact("security", "sec@example.com");
  without_mail();
  api("POST", kContacts + std::string("/security/resend-verification-email"));
  EXPECT_EQ(reply.status, 501);
  api("PATCH", kContacts + std::string("/security"), Json::object());
  EXPECT_EQ(contact("security").at("needsVerification"), true);
  set_contact("security", "sec@example.com");
  EXPECT_EQ(contact("security"), Json({{"email", "sec@example.com"}, {"needsVerification", false}}));
}

TEST_F(Mail, ResendingTooOftenSpoilsNoLink) {
  const std::string resend = kContacts + std::string("/security/resend-verification-email");
  set_contact("security", "sec@example.com");
  for (int i = 0; i < 2; ++i) api("POST", resend);
  api("POST", resend);
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(page("GET", link()).status, 200);
}

TEST_F(Mail, IsTriedOutByWhoeverRunsTheServer) {
  const auto ask = [&](const std::string& to) {
    Coordinator::Effects effects;
    const mapper::StreamId fresh{++last_stream};
    const auto answer = coordinator->on_api(
        http_request("POST", "/api/v2/mail/test", "{\"to\": \"" + to + "\"}"), {true, "uid 0"},
        fresh, false, now, wall, effects);
    EXPECT_FALSE(answer.response);
    deliver(effects);
    Coordinator::Effects more;
    coordinator->advance(now, wall, more);
    EXPECT_THAT(more.mails, SizeIs(1));
    Coordinator::Effects last;
    coordinator->take_mail_result(more.mails.at(0).id, mail_server, wall, last);
    EXPECT_THAT(last.answers, SizeIs(1));
    EXPECT_EQ(last.answers.at(0).to, fresh);
    return last.answers.at(0).response;
  };
  EXPECT_THAT(std::string(as_text(ask("dora@example.com").body)), HasSubstr("250 taken"));
  mail_server = mail::NotTaken{535, "the mail server says: 535 no"};
  const http::Response refused = ask("dora@example.com");
  EXPECT_EQ(refused.status, 502);
  EXPECT_THAT(std::string(as_text(refused.body)), HasSubstr("535 no"));
  EXPECT_THAT(
      coordinator->metrics({}, wall), AllOf(
                                          HasSubstr("ayatori_coord_mails_sent_total 1\n"),
                                          HasSubstr("ayatori_coord_mails_failed_total 1\n"),
                                          HasSubstr("ayatori_coord_mails_waiting 0\n")));
}

TEST_F(Mail, IsTriedOutByNobodyElse) {
  const std::string token = api("POST", "/api/v2/tailnet/-/keys", {{"keyType", "api"}}).at("key");
  authorization = "Bearer " + token;
  api("POST", "/api/v2/mail/test", {{"to", "dora@example.com"}});
  EXPECT_EQ(reply.status, 403);
  authorization.clear();
  api("POST", "/api/v2/mail/test", {{"to", "dora"}});
  EXPECT_EQ(reply.status, 400);
  without_mail();
  const Json refused = api("POST", "/api/v2/mail/test", {{"to", "dora@example.com"}});
  EXPECT_EQ(reply.status, 501);
  EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("smtp_url"));
}

}  // namespace
}  // namespace aya::serve
