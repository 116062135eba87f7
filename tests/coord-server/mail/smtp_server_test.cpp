#include "coord-server/mail/smtp_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::mail {
namespace {

using testing::HasSubstr;

struct UrlCase {
  const char* url;
  const char* host;
  int port;
  Encryption encryption;
};
class SmtpUrl : public testing::TestWithParam<UrlCase> {};
TEST_P(SmtpUrl, NamesAServer) {
  SmtpSettings settings;
  ASSERT_EQ(settings.set_url(GetParam().url), "");
  const SmtpServer server = settings.server("", "");
  EXPECT_EQ(server.host, GetParam().host);
  EXPECT_EQ(server.port, GetParam().port);
  EXPECT_EQ(server.encryption, GetParam().encryption);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Good, SmtpUrl, testing::Values(
    UrlCase{"smtps://mail.example", "mail.example", 465, Encryption::Tls},
    UrlCase{"smtps://mail.example:2465/", "mail.example", 2465, Encryption::Tls},
    UrlCase{"smtp://mail.example", "mail.example", 587, Encryption::StartTls},
    UrlCase{"smtp://192.0.2.1:25", "192.0.2.1", 25, Encryption::StartTls},
    UrlCase{"smtp://[2001:db8::1]:25", "2001:db8::1", 25, Encryption::StartTls},
    UrlCase{"smtp://localhost:25", "localhost", 25, Encryption::None},
    UrlCase{"smtp://127.0.0.1:25", "127.0.0.1", 25, Encryption::None},
    UrlCase{"smtp://[::1]:25", "::1", 25, Encryption::None},
    UrlCase{"smtps://localhost", "localhost", 465, Encryption::Tls}));
// clang-format on

TEST(SmtpSettings, RefusesWhatIsNoServer) {
  for (const char* url :
       {"", "mail.example", "http://mail.example", "smtp://", "smtp://:25", "smtp://a b",
        "smtp://mail.example:0", "smtp://mail.example:x", "smtp://mail.example:70000",
        "smtp://mail.example/path", "smtp://[::1", "smtp://[::1]x", "smtp://-oX"}) {
    SmtpSettings settings;
    EXPECT_THAT(settings.set_url(url), HasSubstr("smtps://mail.example:465")) << url;
  }
  SmtpSettings settings;
  EXPECT_THAT(settings.set_url("smtp://me:secret@mail.example"), HasSubstr("smtp_password_file"));
}

TEST(SmtpSettings, SaysWhatIsMissing) {
  SmtpSettings settings;
  EXPECT_EQ(settings.set_user("net"), "");
  EXPECT_THAT(settings.lacks(), HasSubstr("smtp_url is missing"));
  EXPECT_EQ(settings.set_url("smtps://mail.example"), "");
  EXPECT_THAT(settings.lacks(), HasSubstr("smtp_from"));
  EXPECT_THAT(settings.set_from("nobody"), HasSubstr("not an e-mail address"));
  EXPECT_EQ(settings.set_from("Net <net@mail.example>"), "");
  EXPECT_THAT(settings.lacks(), HasSubstr("belong together"));
  EXPECT_EQ(settings.set_password_file("/etc/p"), "");
  EXPECT_EQ(settings.lacks(), "");
  EXPECT_THAT(settings.set_starttls("maybe"), HasSubstr("neither on nor off"));
  EXPECT_EQ(settings.set_starttls("off"), "");
  EXPECT_THAT(settings.lacks(), HasSubstr("smtp_starttls is for smtp://"));
}

TEST(SmtpSettings, LeavesEncryptionOutOnlyWhereThatIsSaid) {
  SmtpSettings settings;
  settings.set_url("smtp://mail.example");
  settings.set_starttls("off");
  EXPECT_EQ(settings.server("", "").encryption, Encryption::None);
  settings.set_url("smtp://localhost");
  settings.set_starttls("on");
  EXPECT_EQ(settings.server("", "").encryption, Encryption::StartTls);
}

TEST(SmtpServer, IsAskedUnderOurName) {
  SmtpSettings settings;
  settings.set_url("smtp://[2001:db8::1]");
  settings.set_user("net");
  const SmtpServer server = settings.server("secret", "coord.example");
  EXPECT_EQ(server.url(), "smtp://[2001:db8::1]:587/coord.example");
  EXPECT_EQ(server.user, "net");
  EXPECT_EQ(server.password, "secret");
  EXPECT_EQ(settings.server("", "192.0.2.1").url(), "smtp://[2001:db8::1]:587/");
  EXPECT_EQ(settings.server("", "coord").url(), "smtp://[2001:db8::1]:587/");
}

}  // namespace
}  // namespace aya::mail
