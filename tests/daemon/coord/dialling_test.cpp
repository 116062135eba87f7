// Connections: which attempts are made, which one wins, and whose word about the key counts.
#include "tests/daemon/coord/coord_bench.h"

namespace aya::coord {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class Dialling : public CoordBench {
 protected:
  // Known from an earlier session, registered, and about to begin.
  void known(const std::string& url = "https://coord.test") {
    config.server_key = server.key.public_key();
    config.identity.node_key = NodePrivateKey::generate(rng);
    make(url);
  }
};

TEST_F(Dialling, AStrangerAsksTheNamedServerForItsKeyOnTheConnectionThatIsThenUsed) {
  login();
  EXPECT_THAT(dialled, ElementsAre("tls 443 verified"));
  EXPECT_THAT(
      server.asked, ElementsAre(
                        "GET /key", "POST /ts2021", "POST /machine/register", "POST /machine/map",
                        "POST /machine/map"));
  EXPECT_THAT(server_keys, ElementsAre(server.key.public_key()));
  EXPECT_EQ(server.machine, config.machine_key.public_key());
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(Dialling, AKnownServerIsNotAskedForItsKey) {
  known();
  login();
  EXPECT_THAT(dialled, ElementsAre("tls 443"));
  EXPECT_EQ(server.asked.front(), "POST /ts2021");
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Dialling, ThePlainAttemptBeginsHalfASecondAfterASilentTlsOneAndWins) {
  known();
  doors[443] = Door::Silent;
  login();
  advance(kHeadStart - 1ms);
  EXPECT_THAT(dialled, ElementsAre("tls 443"));
  advance(1ms);
  EXPECT_THAT(dialled, ElementsAre("tls 443", "plain 80"));
  EXPECT_EQ(coord->phase(), Phase::Running);
  // The loser is of no interest any more.
  const auto asked = server.asked.size();
  let_in();
  EXPECT_EQ(server.asked.size(), asked);
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(Dialling, TheLateTlsAttemptWinsWherePlainHttpSaysNothing) {
  known();
  doors[443] = doors[80] = Door::Silent;
  login();
  advance(2s);
  EXPECT_THAT(dialled, ElementsAre("tls 443", "plain 80"));
  let_in();
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_EQ(server.links().size(), 1u);
}

TEST_F(Dialling, TheNextAttemptBeginsAtOnceWhenNothingIsUnderWay) {
  known();
  doors[443] = Door::Refuses;
  login();
  EXPECT_THAT(dialled, ElementsAre("tls 443", "plain 80"));
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(Dialling, WhatWonLastTimeIsTriedFirst) {
  known("http://coord.test");
  doors[80] = Door::Refuses;
  login();
  EXPECT_THAT(dialled, ElementsAre("plain 80", "tls 443"));
  break_connections();
  advance(1s);
  EXPECT_THAT(dialled, ElementsAre("plain 80", "tls 443", "tls 443"));
}

TEST_F(Dialling, AServerThatIsAwayIsTriedLessAndLessOftenAndSaysWhyEachTime) {
  doors[443] = Door::Refuses;
  login();
  EXPECT_EQ(coord->phase(), Phase::Connecting);
  advance(10min);
  // Σ n² · 10 ms reaches 10 min after some 70 tries, once 30 s is the limit.
  EXPECT_THAT(dialled, SizeIs(testing::AllOf(testing::Gt(30u), testing::Lt(90u))));
  EXPECT_THAT(problems, AllOf(SizeIs(dialled.size()), Each(HasSubstr("connection refused"))));
  doors.clear();
  advance(45s);
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_EQ(coord->in_poll(), true);
}

TEST_F(Dialling, SomebodyWhoWaitsOrANewNetworkCutsTheBackOffShort) {
  doors[443] = Door::Refuses;
  login();
  advance(10min);
  auto before = dialled.size();
  login();
  EXPECT_EQ(dialled.size(), before + 1);
  coord->network_changed(now, effects);
  settle();
  EXPECT_EQ(dialled.size(), before + 2);
}

TEST_F(Dialling, ASilentServerIsGivenUpAfterTenSeconds) {
  server.reads = false;
  login();
  advance(kDialTimeout - 1ms);
  EXPECT_THAT(problems, IsEmpty());
  advance(1ms);
  EXPECT_THAT(problems, ElementsAre("coord.test:443 did not answer in time"));
  server.reads = true;
  advance(1s);
  EXPECT_EQ(coord->phase(), Phase::Running);
}

// ---- keys

TEST_F(Dialling, AKeyThatIsRefusedIsAskedForAgainOnlyWhereTheServerProvesItself) {
  known();
  server.key = MachinePrivateKey::generate(rng);  // reinstalled, or somebody else
  login();
  advance(1s);
  // Both ways were tried with the key that was known; neither was believed another one.
  EXPECT_THAT(dialled, ElementsAre("tls 443", "plain 80", "tls 443 verified"));
  ASSERT_GT(server.asked.size(), 4u);
  server.asked.resize(4);
  EXPECT_THAT(
      server.asked, ElementsAre("POST /ts2021", "POST /ts2021", "GET /key", "POST /ts2021"));
  EXPECT_THAT(server_keys, ElementsAre(server.key.public_key()));
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Dialling, AttemptsUnderWayDoNotAskForAKeyEither) {
  known();
  doors[443] = doors[80] = Door::Silent;
  login();
  advance(1s);
  server.key = MachinePrivateKey::generate(rng);
  let_in();
  EXPECT_THAT(server.asked, AllOf(SizeIs(2), Each("POST /ts2021")));
  EXPECT_THAT(server_keys, IsEmpty());
}

TEST_F(Dialling, SomethingInTheWayDoesNotMakeAProvenKeyForgotten) {
  known();
  server.refusal = "sign in to this network first";
  doors[80] = Door::Silent;
  login();
  server.refusal.reset();
  let_in();
  EXPECT_EQ(coord->phase(), Phase::Running);
  break_connections();
  advance(1s);
  EXPECT_THAT(dialled, ElementsAre("tls 443", "plain 80", "tls 443"));
  EXPECT_THAT(server_keys, IsEmpty());
}

TEST_F(Dialling, TheServersWordsAreShown) {
  server.refusal = "capability version 1 is too old";
  login();
  EXPECT_THAT(problems, ElementsAre(HasSubstr("capability version 1 is too old")));
}

struct NoServerCase {
  const char* name;
  std::function<void(FakeCoordinator&)> spoil;
  const char* problem;
};
class NoServer : public CoordBench, public testing::WithParamInterface<NoServerCase> {};

TEST_P(NoServer, IsSaidInOneLine) {
  GetParam().spoil(server);
  login();
  EXPECT_THAT(problems, ElementsAre(HasSubstr(GetParam().problem)));
  EXPECT_EQ(coord->phase(), Phase::Connecting);
  EXPECT_THAT(server.links(), IsEmpty());
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Answer, NoServer, testing::Values(
  NoServerCase{"NotFound", [](auto& s) { s.key_status = 404; },
               "(status 404); is this the address of a coordination server?"},
  NoServerCase{"AWebPage", [](auto& s) { s.key_body = "<html>hello</html>"; },
               "holds no key; is this the address of a coordination server?"},
  NoServerCase{"AZeroKey", [](auto& s) {
      s.key_body = R"({"legacyPublicKey":"","publicKey":"mkey:)" + std::string(64, '0') + "\"}"; },
               "holds no key"},
  NoServerCase{"AKeyNobodyCanUse", [](auto& s) {
      s.key_body = R"({"publicKey":"mkey:01)" + std::string(62, '0') + "\"}"; },
               "no usable key"},
  NoServerCase{"NoUpgrade", [](auto& s) { s.upgrade_status = 403; },
               "refused the upgrade with status 403"}),
  [](const auto& test) { return test.param.name; });
// clang-format on

TEST_F(Dialling, TlsOnlyOnAnHttpUrlIsAProblemNotSilence) {
  config.tls_only = true;
  make("http://coord.test");
  login();
  EXPECT_THAT(dialled, IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("https://")));
}

// ---- ends

TEST_F(Dialling, StoppingClosesEverythingAndALaterLoginBeginsAgain) {
  login();
  coord->stop(effects);
  settle();
  EXPECT_EQ(coord->phase(), Phase::Stopped);
  EXPECT_THAT(server.links(), IsEmpty());
  EXPECT_EQ(coord->next_deadline(), std::nullopt);
  advance(10min);
  EXPECT_THAT(dialled, SizeIs(1));
  login();
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_THAT(server.registrations, SizeIs(1));
}

TEST_F(Dialling, WhatComesFromALinkThatIsGoneIsIgnored) {
  login();
  coord->on_connected(LinkId{99}, now, effects);
  coord->on_bytes(LinkId{99}, as_bytes("HTTP/1.1 200 OK\r\n\r\n"), now, effects);
  coord->on_closed(LinkId{99}, "gone", now, effects);
  coord->on_connected(LinkId{1}, now, effects);  // a second time
  settle();
  EXPECT_EQ(coord->in_poll(), true);
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(Dialling, GarbageOnAnEstablishedConnectionEndsItAndItIsMadeAgain) {
  login();
  coord->on_bytes(
      *links.begin(), as_bytes(std::string_view("\4\0\24nothing sealed here...", 26)), now,
      effects);
  settle();
  EXPECT_THAT(problems, ElementsAre("a record did not open"));
  EXPECT_EQ(coord->in_poll(), false);
  EXPECT_EQ(coord->phase(), Phase::Running);  // with the map it has
  advance(1s);
  EXPECT_EQ(coord->in_poll(), true);
}

}  // namespace
}  // namespace aya::coord
