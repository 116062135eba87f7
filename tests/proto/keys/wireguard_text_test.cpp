#include "proto/keys/wireguard_text.h"

#include <gtest/gtest.h>

namespace aya::key_text {
namespace {

// A pair that `wg genkey` and `wg pubkey` made.
constexpr const char* kPrivate = "uA8dEkH7kbN8KNa3N/c2JJgbB/LySqTcmr843x+rukA=";
constexpr const char* kPublic = "SRH5jg4nyVgxVInHe3auEZY5omQS/LCFLOsidAd6aDs=";

TEST(WireguardText, IsWhatWgPrints) {
  const auto secret = parse_wireguard_private(kPrivate);
  ASSERT_TRUE(secret);
  EXPECT_EQ(wireguard_form(secret->public_key()), kPublic);
  EXPECT_EQ(parse_wireguard(kPublic), secret->public_key());
}

TEST(WireguardText, RefusesEverythingElse) {
  const std::string good = kPublic;
  const std::vector<std::string> bad = {
      "",           good.substr(0, 43),   good + "=", "A" + good,
      "nodekey:00", "!" + good.substr(1), good + "\n"};
  for (const std::string& text : bad) {
    EXPECT_FALSE(parse_wireguard(text)) << text;
    EXPECT_FALSE(parse_wireguard_private(text)) << text;
  }
}

}  // namespace
}  // namespace aya::key_text
