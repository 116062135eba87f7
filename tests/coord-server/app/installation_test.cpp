#include "coord-server/app/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>

#include "coord-server/app/files.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

namespace aya::coord {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class InstallationTest : public testing::Test {
 protected:
  InitWish wish() {
    InitWish made;
    made.places = Places::in(dir.file("home"));
    made.server_url = "https://192.0.2.1";
    return made;
  }
  std::string refused(const InitWish& wanted) {
    auto made = create_installation(wanted, wall, rng);
    EXPECT_FALSE(made);
    return made ? "" : made.error().text;
  }
  static mode_t mode_of(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0) << path;
    return about.st_mode & 0777;
  }

  test::TempDir dir;
  test::SeededRng rng;
  WallTime wall = *parse_rfc3339("2026-02-01T09:00:00Z");
};

TEST_F(InstallationTest, HoldsEverythingAndKeepsItsSecrets) {
  auto made = create_installation(wish(), wall, rng);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(mode_of(made->places.state), 0700u);
  EXPECT_EQ(mode_of(made->places.config), 0600u);
  EXPECT_EQ(mode_of(made->places.database()), 0600u);
  EXPECT_EQ(mode_of(made->tls_files().key), 0600u);
  auto opened = open_installation(made->places);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(opened->config.server_url, "https://192.0.2.1");
  EXPECT_EQ(opened->config.relay_ipv4, IpAddress::parse("192.0.2.1")) << "from the URL";
}

TEST_F(InstallationTest, ReadsThePasswordForTheMailServer) {
  auto made = create_installation(wish(), wall, rng);
  ASSERT_TRUE(made);
  EXPECT_FALSE(*made->smtp_server());
  mail::SmtpSettings& smtp = made->config.smtp.emplace();
  smtp.set_url("smtps://mail.example");
  EXPECT_EQ(made->smtp_server()->value().password, "");
  smtp.set_password_file("password");
  EXPECT_THAT(made->smtp_server().error().text, HasSubstr("smtp_password_file: cannot read"));
  std::ofstream(made->places.state + "/password") << "\n";
  EXPECT_THAT(made->smtp_server().error().text, HasSubstr("is empty"));
  std::ofstream(made->places.state + "/password") << "pass wörd\r\n";
  EXPECT_EQ(made->smtp_server()->value().password, "pass wörd");
}

TEST_F(InstallationTest, OverwritesNothing) {
  fs::create_directory(dir.file("home"));
  std::ofstream(dir.file("home") + "/precious") << "data";
  EXPECT_THAT(refused(wish()), HasSubstr("overwrites nothing"));
  EXPECT_TRUE(fs::exists(dir.file("home") + "/precious"));
}

TEST_F(InstallationTest, TakesAnEmptyFolder) {
  fs::create_directory(dir.file("home"));
  EXPECT_TRUE(create_installation(wish(), wall, rng));
  EXPECT_EQ(mode_of(dir.file("home")), 0700u);
}

// As the packaged server has it.
TEST_F(InstallationTest, MayHaveItsConfigurationElsewhere) {
  InitWish wanted = wish();
  wanted.places.config = dir.file("etc") + "/coord.conf";
  auto made = create_installation(wanted, wall, rng);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_FALSE(fs::exists(dir.file("home") + "/config"));
  EXPECT_TRUE(open_installation(wanted.places));

  wanted.places.state = dir.file("another");
  EXPECT_THAT(refused(wanted), HasSubstr("overwrites nothing"));
  EXPECT_FALSE(fs::exists(wanted.places.state));
}

TEST_F(InstallationTest, LeavesNothingBehindWhenAStepFails) {
  InitWish wanted = wish();
  wanted.tls_cert = dir.file("absent.pem");
  wanted.tls_key = dir.file("absent.key");
  EXPECT_THAT(refused(wanted), HasSubstr("absent.pem"));
  EXPECT_FALSE(fs::exists(wanted.places.state));
}

TEST_F(InstallationTest, ChecksAGivenCertificateAndNamesItForGood) {
  InitWish first = wish();
  auto own = create_installation(first, wall, rng);
  ASSERT_TRUE(own);
  InitWish wanted = wish();
  wanted.places = Places::in(dir.file("other"));
  wanted.tls_cert = own->tls_files().certificate;
  wanted.tls_key = own->tls_files().certificate;
  EXPECT_THAT(refused(wanted), HasSubstr("cannot use"));
  wanted.tls_key = own->tls_files().key;
  auto made = create_installation(wanted, wall, rng);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_FALSE(made->config.own_certificate());
  EXPECT_EQ(made->tls_files().certificate, own->tls_files().certificate);
  EXPECT_FALSE(fs::exists(made->places.state + "/cert.pem"));
}

TEST_F(InstallationTest, MakesALinkForItsOwner) {
  auto made = create_installation(wish(), wall, rng);
  ASSERT_TRUE(made) << made.error().text;
  auto link = make_owner_link(*made, wish().owner, wall, rng);
  ASSERT_TRUE(link) << link.error().text;
  EXPECT_TRUE(link->starts_with(made->config.server_url + "/link/")) << *link;
  EXPECT_NE(*link, *make_owner_link(*made, wish().owner, wall, rng));
  EXPECT_THAT(make_owner_link(*made, "mallory", wall, rng).error().text, HasSubstr("no user"));
}

TEST_F(InstallationTest, WillNotRunWithoutItsDatabase) {
  auto made = create_installation(wish(), wall, rng);
  ASSERT_TRUE(made);
  fs::remove(made->places.database());
  auto opened = open_installation(made->places);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().text, HasSubstr("missing"));
  EXPECT_THAT(open_installation(Places::in(dir.file("nowhere"))).error().text, HasSubstr("init"));
}

}  // namespace
}  // namespace aya::coord
