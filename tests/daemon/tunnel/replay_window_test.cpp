#include "daemon/tunnel/replay_window.h"

#include <gtest/gtest.h>

#include "tests/support/test_vectors.h"

namespace aya::tunnel {
namespace {

TEST(ReplayWindow, AcceptsExactlyWhatTheVectorsSay) {
  for (const test::Json& c : test::vector_cases("wire", "wireguard.json", "replay")) {
    SCOPED_TRACE(c.at("name"));
    ReplayWindow window;
    for (std::size_t i = 0; i < c.at("counters").size(); ++i) {
      const std::uint64_t counter = test::u64(c["counters"][i]);
      EXPECT_EQ(window.accept(counter), c.at("accept")[i].get<bool>()) << counter << " at " << i;
    }
  }
}

}  // namespace
}  // namespace aya::tunnel
