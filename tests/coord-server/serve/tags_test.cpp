// Nodes that belong to what they are for (interfaces 1.4, 1.7; control T-36), and settings of the
// network that decide about new nodes.
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Tagging : public Bench {
 protected:
  Json shown(const Machine& m) { return api("GET", device(m)); }
  int tag(const Machine& m, const Json& tags) {
    api("POST", device(m) + "/tags", {{"tags", tags}});
    advance(2 * mapper::MapStreams::kGatherFor);
    return reply.status;
  }
  std::string tagged_key() { return auth_key({{"reusable", true}, {"tags", {"tag:ci"}}}); }
};

TEST_F(Tagging, ShowsPeersATaggedNodeUnderNobodysName) {
  Machine& viewer = joined("viewer");
  Machine& web = joined("web");
  EXPECT_EQ(tag(web, {"tag:web", "tag:prod", "tag:web"}), 200);
  EXPECT_EQ(shown(web)["tags"], Json({"tag:prod", "tag:web"}));
  const control::Node* seen = peer(viewer, web);
  ASSERT_NE(seen, nullptr);
  EXPECT_THAT(seen->tags, ElementsAre("tag:prod", "tag:web"));
  EXPECT_EQ(seen->user, nodes::kTaggedDevices);
  EXPECT_EQ(
      viewer.state.netmap.user_profiles.at(nodes::kTaggedDevices).login_name, "tagged-devices");
  EXPECT_TRUE(shown(web)["keyExpiryDisabled"]);
}

TEST_F(Tagging, SurvivesARestart) {
  Machine& web = joined("web");
  tag(web, {"tag:web"});
  start();
  EXPECT_EQ(shown(web)["tags"], Json({"tag:web"}));
}

TEST_F(Tagging, GivesADeviceBackToItsOwnerWhoLogsInAgain) {
  Machine& web = joined("web");
  EXPECT_EQ(tag(web, Json::array()), 200) << "nothing to do";
  EXPECT_FALSE(node(web).key_expired(wall));
  tag(web, {"tag:web"});
  EXPECT_EQ(tag(web, nullptr), 200);
  EXPECT_EQ(shown(web)["tags"], Json::array());
  EXPECT_EQ(shown(web)["user"], "alice");
  EXPECT_TRUE(node(web).key_expired(wall));
}

TEST_F(Tagging, KeepsADeviceThatNeverHadAnOwner) {
  Machine& runner = machine("runner");
  EXPECT_EQ(send_register(runner, register_request(runner, tagged_key())).error, "");
  EXPECT_EQ(shown(runner)["tags"], Json({"tag:ci"}));
  EXPECT_EQ(shown(runner)["user"], "");
  EXPECT_EQ(tag(runner, Json::array()), 400);
  EXPECT_EQ(tag(runner, {"tag:cd"}), 200);
}

TEST_F(Tagging, RefusesWhatIsNoTag) {
  Machine& web = joined("web");
  EXPECT_EQ(tag(web, {"web"}), 400);
  EXPECT_EQ(tag(web, "tag:web"), 400);
}

TEST_F(Tagging, HonoursTagsANodeAsksForWithinWhatItsKeyMayGive) {
  Machine& web = machine("web");
  auto request = register_request(web, auth_key());
  request.hostinfo->request_tags = {"tag:web"};
  EXPECT_EQ(send_register(web, request).error, "");
  EXPECT_EQ(shown(web)["tags"], Json({"tag:web"}));
  EXPECT_EQ(shown(web)["user"], "alice");

  Machine& runner = machine("runner");
  request = register_request(runner, tagged_key());
  request.hostinfo->request_tags = {"tag:web"};
  EXPECT_THAT(send_register(runner, request).error, HasSubstr("not permitted"));
  EXPECT_EQ(coordinator->registry().find(runner.key), nullptr);
}

TEST_F(Tagging, MovesADeviceToAnotherOwner) {
  api("POST", "/api/v2/tailnet/-/users", {{"loginName", "bob"}});
  Machine& web = joined("web");
  api("POST", device(web) + "/owner", {{"user", "bob"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(shown(web)["user"], "bob");
  api("POST", device(web) + "/owner", {{"user", "nobody"}});
  EXPECT_EQ(reply.status, 400);
}

TEST_F(Tagging, SettingsSayWhetherNewDevicesWaitAndHowLongKeysLast) {
  api("PATCH", "/api/v2/tailnet/-/settings",
      {{"devicesApprovalOn", true}, {"devicesKeyDurationDays", 7}, {"aclsExternalLink", nullptr}});
  ASSERT_EQ(reply.status, 200);
  start();
  const Json settings = api("GET", "/api/v2/tailnet/-/settings");
  EXPECT_EQ(settings["devicesApprovalOn"], true);
  EXPECT_EQ(settings["devicesKeyDurationDays"], 7);
  Machine& waiting = joined("waiting");
  EXPECT_FALSE(node(waiting).record.authorized);
  EXPECT_EQ(node(waiting).record.key_expiry, wall + std::chrono::days(7));
  Machine& welcome = machine("welcome");
  send_register(welcome, register_request(welcome, auth_key({{"preauthorized", true}})));
  EXPECT_TRUE(node(welcome).record.authorized);
  api("PATCH", "/api/v2/tailnet/-/settings", {{"devicesKeyDurationDays", 181}});
  EXPECT_EQ(reply.status, 400);
}

}  // namespace
}  // namespace aya::serve
