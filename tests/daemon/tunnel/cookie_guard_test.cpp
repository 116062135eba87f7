#include "daemon/tunnel/cookie_guard.h"

#include <gtest/gtest.h>

#include "proto/wireguard/constants.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

class CookieGuardTest : public testing::Test {
 protected:
  // A message whose MACs are all that matters here; mac2 with `cookie`, if there is one.
  Buffer message(const std::optional<wireguard::Cookie>& cookie = {}) {
    Buffer out(sizeof(wireguard::HandshakeInitiation));
    wireguard::put_macs(keys, cookie, out);
    return out;
  }
  void flood() {
    while (!guard.under_load(now)) guard.admit(message(), stranger, now);
  }
  std::optional<wireguard::Cookie> cookie_for(const SourceId& whom) {
    const Buffer offending = message();
    const auto& mac1 = wireguard::view<wireguard::Macs>(Bytes(offending).last(32))->mac1;
    return wireguard::open_cookie(keys, guard.reply(keys, 1, mac1, whom, now), mac1);
  }

  test::SeededRng rng{5};
  wireguard::MacKeys keys = wireguard::mac_keys_of(NodePrivateKey::generate(rng).public_key());
  CookieGuard guard{rng};
  TimePoint now{50s};
  SourceId stranger{test::TunnelPair::address(9), {}};
  SourceId source{test::TunnelPair::address(1), {}};
};

TEST_F(CookieGuardTest, LetsEveryonePassWhileThereIsLittleToDo) {
  for (int i = 0; i < 1000; ++i, now += 1ms) {
    EXPECT_EQ(guard.admit(message(), source, now), Admission::Granted);
  }
}

TEST_F(CookieGuardTest, WantsACookieUnderLoadAndForASecondAfterwards) {
  flood();
  EXPECT_EQ(guard.admit(message(), source, now), Admission::NeedsCookie);
  now += 900ms;
  EXPECT_EQ(guard.admit(message(), source, now), Admission::NeedsCookie);
  now += 1100ms;
  EXPECT_EQ(guard.admit(message(), source, now), Admission::Granted);
}

TEST_F(CookieGuardTest, TakesTheCookieFromItsOwnSourceOnly) {
  flood();
  const auto cookie = cookie_for(source);
  ASSERT_TRUE(cookie);
  EXPECT_EQ(guard.admit(message(cookie), source, now), Admission::Granted);
  EXPECT_EQ(guard.admit(message(cookie), stranger, now), Admission::NeedsCookie);
  const SourceId other_port{test::TunnelPair::address(1, 999), {}};
  EXPECT_EQ(guard.admit(message(cookie), other_port, now), Admission::NeedsCookie);
}

TEST_F(CookieGuardTest, TellsRelayedSendersApartByTheirKeys) {
  flood();
  const SourceId first{PathAddress::relayed(1), NodePrivateKey::generate(rng).public_key()};
  const SourceId second{PathAddress::relayed(1), NodePrivateKey::generate(rng).public_key()};
  const auto cookie = cookie_for(first);
  EXPECT_EQ(guard.admit(message(cookie), first, now), Admission::Granted);
  EXPECT_EQ(guard.admit(message(cookie), second, now), Admission::NeedsCookie);
}

TEST_F(CookieGuardTest, ForgetsCookiesWithTheirSecret) {
  flood();
  const auto cookie = cookie_for(source);
  now += wireguard::kCookieSecretLife;
  flood();
  EXPECT_EQ(guard.admit(message(cookie), source, now), Admission::NeedsCookie);
}

TEST_F(CookieGuardTest, GivesOneAddressTwentyASecondAfterABurstOfFive) {
  flood();
  const auto cookie = cookie_for(source);
  int granted = 0;
  for (int i = 0; i < 1000; ++i, now += 1ms) {
    flood();
    granted += guard.admit(message(cookie), source, now) == Admission::Granted ? 1 : 0;
  }
  EXPECT_GE(granted, 24);
  EXPECT_LE(granted, 26);
}

TEST_F(CookieGuardTest, RefusesEverythingBeyondItsBacklog) {
  for (int i = 0; i < 5000; ++i) guard.admit(message(), stranger, now);
  EXPECT_EQ(guard.admit(message(), source, now), Admission::Overloaded);
  now += 100ms;
  EXPECT_EQ(guard.admit(message(), source, now), Admission::NeedsCookie);
}

}  // namespace
}  // namespace aya::tunnel
