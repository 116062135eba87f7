// Keys as text, and private keys made from random bytes. Not here: the binary form "np" and
// signing keys of tailnet lock, which nothing of ours reads or writes. JSON is proto/control's.
#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "proto/keys/private_key.h"
#include "tests/support/test_vectors.h"

namespace aya {
namespace {

using test::hex;
using test::Json;
using test::vector_cases;

// Gives what it was told to, once.
class ScriptedRng final : public Rng {
 public:
  explicit ScriptedRng(Buffer bytes) : bytes_(std::move(bytes)) {}
  void fill(MutableBytes out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    copy_bytes(out, std::exchange(bytes_, {}));
  }

 private:
  Buffer bytes_;
};

template <class Role>
void expect_generated(const Json& c) {
  ScriptedRng rng(hex(c.at("random")));
  const auto key = PrivateKey<Role>::generate(rng);
  const auto text = c.value("private_text", "privkey:" + to_hex(key.secret().bytes()));
  EXPECT_EQ(to_hex(key.secret().bytes()), c.at("private_raw"));
  EXPECT_EQ(key.to_text_for_storage(), text);
  EXPECT_EQ(to_hex(key.public_key().bytes()), c.at("public_raw"));
  EXPECT_EQ(key.public_key().to_text(), c.at("public_text"));
  EXPECT_EQ(key.public_key().short_text(), c.value("short", key.public_key().short_text()));
  EXPECT_EQ(PublicKey<Role>::parse(c.at("public_text").get<std::string>()), key.public_key());
}

TEST(KeyVectors, AreMadeFromRandomBytes) {
  for (const Json& c : vector_cases("wire", "keys.json", "generate")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const std::string type = c.at("type");
    if (type == "machine") expect_generated<MachineRole>(c);
    if (type == "node") expect_generated<NodeRole>(c);
    if (type == "disco") expect_generated<DiscoRole>(c);
    if (type == "challenge") expect_generated<ChallengeRole>(c);
  }
}

// The raw key in hex, or "refused"; nullopt: of a type this room does not know.
std::optional<std::string> read(const std::string& type, const std::string& text) {
  const auto raw = [](const auto& key) {
    return key ? to_hex(key->bytes()) : std::string("refused");
  };
  const auto raw_private = [&](const auto& key) {
    return key ? to_hex(key->secret().bytes()) : std::string("refused");
  };
  if (type == "machine_public") return raw(MachinePublicKey::parse(text));
  if (type == "node_public") return raw(NodePublicKey::parse(text));
  if (type == "disco_public") return raw(DiscoPublicKey::parse(text));
  if (type == "challenge_public") return raw(ChallengePublicKey::parse(text));
  if (type == "machine_private") return raw_private(MachinePrivateKey::parse_for_storage(text));
  if (type == "node_private") return raw_private(NodePrivateKey::parse_for_storage(text));
  return std::nullopt;
}

TEST(KeyVectors, AreReadInTheOneFormOfTheirType) {
  std::size_t ours = 0;
  for (const Json& c : vector_cases("wire", "keys.json", "parse")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto got = read(c.at("type"), c.at("text"));
    if (!got) continue;
    ++ours;
    EXPECT_EQ(*got, c.at("ok").get<bool>() ? c.at("raw").get<std::string>() : "refused");
  }
  EXPECT_GE(ours, 108u);
}

// A state file holds private keys as JSON text; what is no text is no key.
TEST(KeyVectors, PrivateKeysAreReadFromText) {
  for (const Json& c : vector_cases("wire", "keys.json", "parse_json")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Json value = Json::parse(c.at("json").get<std::string>());
    if (!value.is_string() || !c.at("type").get<std::string>().ends_with("_private")) continue;
    const auto got = read(c.at("type"), value);
    EXPECT_EQ(got, c.at("ok").get<bool>() ? c.at("raw").get<std::string>() : "refused");
  }
}

TEST(KeyVectors, TwoEndsSortTheirKeysAlike) {
  for (const Json& c : vector_cases("wire", "keys.json", "sorted_pair")) {
    const auto key = [&](const char* member) {
      return *DiscoPublicKey::parse("discokey:" + c.at(member).get<std::string>());
    };
    for (const auto& [a, b] : {std::pair(key("a"), key("b")), std::pair(key("b"), key("a"))}) {
      EXPECT_EQ(std::min(a, b), key("first"));
      EXPECT_EQ(std::max(a, b), key("second"));
    }
  }
}

TEST(Key, TheZeroKeyMeansNone) {
  EXPECT_TRUE(NodePublicKey().is_zero());
  EXPECT_TRUE(NodePrivateKey().is_zero());
  EXPECT_EQ(NodePublicKey().to_text(), "nodekey:" + std::string(64, '0'));
  EXPECT_EQ(NodePublicKey::parse("nodekey:" + std::string(64, '0')), NodePublicKey());
}

}  // namespace
}  // namespace aya
