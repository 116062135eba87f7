// Pins, fingerprints, self-signed certificates and the meta certificate of a relay.
#include "proto/tls/certificate.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/base/hex.h"

namespace aya::tls {
namespace {

const std::string kDigits = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

WallTime now() { return std::chrono::system_clock::now(); }

TEST(Pin, IsWrittenAndReadAlike) {
  const auto pin = parse_pin("sha256-raw:" + kDigits);
  ASSERT_TRUE(pin.has_value());
  EXPECT_EQ(to_hex(*pin), kDigits);
  EXPECT_EQ(pin_text(*pin), "sha256-raw:" + kDigits);
}

struct PinCase {
  const char* name;
  std::string text;
};
class RefusedPin : public testing::TestWithParam<PinCase> {};

TEST_P(RefusedPin, IsNoPin) { EXPECT_EQ(parse_pin(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Pin, RefusedPin,
    testing::Values(
        PinCase{"Empty", ""}, PinCase{"PrefixAlone", "sha256-raw:"},
        PinCase{"WithoutPrefix", kDigits}, PinCase{"OtherPrefix", "sha256:" + kDigits},
        PinCase{"UpperCasePrefix", "SHA256-RAW:" + kDigits},
        PinCase{"TooShort", "sha256-raw:" + kDigits.substr(2)},
        PinCase{"OddDigits", "sha256-raw:" + kDigits.substr(1)},
        PinCase{"TooLong", "sha256-raw:" + kDigits + "00"},
        PinCase{"NotHex", "sha256-raw:" + kDigits.substr(1) + "g"},
        PinCase{"SpaceBehind", "sha256-raw:" + kDigits + " "}),
    [](const auto& made) { return std::string(made.param.name); });

TEST(Fingerprint, IsTheHashOfTheFirstCertificate) {
  const auto one = *make_self_signed({.names = {"one.example"}, .not_before = now()});
  const auto two = *make_self_signed({.names = {"two.example"}, .not_before = now()});
  const auto first = pem_fingerprint(one.certificate_pem);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(*pem_fingerprint(one.certificate_pem + two.certificate_pem), *first);
  EXPECT_EQ(*pem_fingerprint("a line of comment\n" + one.certificate_pem), *first);
  EXPECT_NE(*pem_fingerprint(two.certificate_pem), *first);
}

TEST(Fingerprint, NeedsACertificate) {
  const auto made = *make_self_signed({.names = {"one.example"}, .not_before = now()});
  for (const std::string& text : {std::string(), std::string("text"), made.private_key_pem}) {
    const auto found = pem_fingerprint(text);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().kind, TlsError::Kind::BadConfig);
  }
}

TEST(SelfSigned, NeedsAName) {
  const auto made = make_self_signed({.names = {}, .not_before = now()});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().kind, TlsError::Kind::BadConfig);
}

TEST(SelfSigned, TakesNamesOfAnyLength) {
  const std::string label(60, 'x');
  const auto made =
      make_self_signed({.names = {label + "." + label + ".example"}, .not_before = now()});
  EXPECT_TRUE(made.has_value());
}

TEST(RelayMeta, IsReadAsItWasMade) {
  RelayMeta meta{};
  ASSERT_TRUE(parse_hex_into(kDigits, meta.key));
  for (const int version : {0, 1, 2, 300}) {
    meta.version = version;
    const auto made = make_relay_meta(meta, now());
    ASSERT_TRUE(made.has_value());
    const auto read = read_relay_meta(*made);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->key, meta.key);
    EXPECT_EQ(read->version, version);
  }
}

TEST(RelayMeta, IsNotFoundElsewhere) {
  EXPECT_FALSE(read_relay_meta("").has_value());
  EXPECT_FALSE(read_relay_meta("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  // An ordinary name, the prefix alone, too few digits, and what are no digits.
  for (const std::string& name :
       {std::string("relay.example"), std::string("derpkey"), "derpkey" + kDigits.substr(8),
        "derpkey" + std::string(57, 'z')}) {
    const auto made = *make_self_signed({.names = {name}, .not_before = now()});
    EXPECT_FALSE(read_relay_meta(made.certificate_pem).has_value()) << name;
  }
}

}  // namespace
}  // namespace aya::tls
