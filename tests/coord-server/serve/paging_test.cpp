// Lists a page at a time: everything once, whatever is added or removed on the way.
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Paging : public Bench {
 protected:
  // Goes through a list, and remembers where it stands.
  std::vector<std::string> page(const std::string& path, const char* list, const char* name) {
    const Json answer = api("GET", path + (cursor.empty() ? "" : "&cursor=" + cursor));
    cursor = answer.value("nextCursor", "");
    std::vector<std::string> out;
    for (const Json& item : answer.value(list, Json::array())) out.push_back(item.at(name));
    return out;
  }
  std::string cursor;
};

TEST_F(Paging, ShowsEveryDeviceOnceWhileOthersComeAndGo) {
  std::vector<Machine*> boxes;
  for (const char* name : {"a", "b", "c", "d", "e"}) boxes.push_back(&joined(name));
  const std::string path = "/api/v2/tailnet/-/devices?limit=2";
  EXPECT_THAT(page(path, "devices", "hostname"), ElementsAre("a", "b"));
  // One that was shown goes, another one comes.
  api("DELETE", device(*boxes[0]));
  joined("f");
  EXPECT_THAT(page(path, "devices", "hostname"), ElementsAre("c", "d"));
  EXPECT_THAT(page(path, "devices", "hostname"), ElementsAre("e", "f"));
  EXPECT_EQ(cursor, "") << "there is no more";
}

TEST_F(Paging, IsOnlyForThoseWhoAsk) {
  for (const char* name : {"a", "b", "c"}) joined(name);
  const Json all = api("GET", "/api/v2/tailnet/-/devices");
  EXPECT_EQ(all.at("devices").size(), 3u);
  EXPECT_FALSE(all.contains("nextCursor"));
  EXPECT_FALSE(api("GET", "/api/v2/tailnet/-/devices?limit=3").contains("nextCursor"));
}

TEST_F(Paging, GoesThroughTheAuditLog) {
  for (const char* name : {"a", "b", "c"}) joined(name);
  std::size_t lines = 0;
  const std::string path =
      "/api/v2/tailnet/-/logging/configuration?start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z";
  const std::size_t all = api("GET", path).at("logs").size();
  do {
    const auto shown = page(path + "&limit=3", "logs", "eventTime");
    EXPECT_LE(shown.size(), 3u);
    lines += shown.size();
  } while (!cursor.empty());
  EXPECT_EQ(lines, all);
}

TEST_F(Paging, RefusesWhatCannotBe) {
  Machine& a = joined("a");
  joined("b");
  const auto refused = [&](const std::string& query) {
    const Json answer = api("GET", "/api/v2/tailnet/-/devices?" + query);
    EXPECT_EQ(reply.status, 400) << query;
    return answer.value("message", "");
  };
  for (const char* limit : {"0", "-1", "1001", "two", ""}) {
    EXPECT_THAT(refused(std::string("limit=") + limit), HasSubstr("1 to 1000"));
  }
  EXPECT_THAT(refused("cursor=!"), HasSubstr("not one of ours"));
  EXPECT_THAT(refused("cursor=YWJj"), HasSubstr("not one of ours"));
  EXPECT_THAT(page("/api/v2/tailnet/-/devices?limit=1", "devices", "hostname"), ElementsAre("a"));
  api("DELETE", device(a));
  EXPECT_THAT(refused("limit=1&cursor=" + cursor), HasSubstr("is gone"));
  cursor.clear();
  EXPECT_THAT(page("/api/v2/tailnet/-/settings?limit=1", "none", "name"), IsEmpty());
  EXPECT_EQ(reply.status, 400) << "no list";
}

}  // namespace
}  // namespace aya::serve
