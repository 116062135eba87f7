#include "proto/crypto/aead_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/base/rng.h"
#include "proto/crypto/aead.h"

namespace aya::crypto {
namespace {

// Every backend of this build and processor, on the same claims.
class EveryAead : public testing::TestWithParam<std::string_view> {
 protected:
  std::unique_ptr<AeadBatch> aead = make_aead(GetParam());
  SystemRng rng;
  Key32 key{std::span<const std::byte, 32>(rng.array<32>())};
};

TEST_P(EveryAead, AgreesWithSodium) { EXPECT_TRUE(agrees_with_sodium(*aead)); }

TEST_P(EveryAead, SealsEveryLengthAsTheOneShotCallDoes) {
  for (std::uint32_t length = 0; length <= 1500; length += length < 300 ? 1 : 37) {
    Buffer plain(length);
    rng.fill(plain);
    Buffer expected;
    seal(key, nonce_le(length), {}, plain, expected);
    Buffer text = plain;
    text.resize(length + kTagSize);
    AeadJob job{text.data(), length, length, false};
    aead->seal(key, std::span(&job, 1));
    ASSERT_EQ(text, expected) << length;
    aead->open(key, std::span(&job, 1));
    ASSERT_TRUE(job.ok) << length;
    text.resize(length);
    ASSERT_EQ(text, plain) << length;
  }
}

TEST_P(EveryAead, HandlesBatchesLargerThanAnyQueue) {
  constexpr std::size_t kPackets = 517;
  std::vector<Buffer> texts(kPackets, Buffer(100 + kTagSize));
  std::vector<AeadJob> jobs;
  for (Buffer& text : texts) jobs.push_back({text.data(), 100, jobs.size(), false});
  aead->seal(key, jobs);
  texts[300][7] ^= std::byte{1};
  aead->open(key, jobs);
  for (std::size_t i = 0; i < kPackets; ++i) EXPECT_EQ(jobs[i].ok, i != 300) << i;
}

TEST_P(EveryAead, RefusesTheRightTextUnderAnotherCounterOrKey) {
  Buffer text(64 + kTagSize);
  AeadJob job{text.data(), 64, 5, false};
  aead->seal(key, std::span(&job, 1));
  Buffer copy = text;
  AeadJob later{copy.data(), 64, 6, true};
  aead->open(key, std::span(&later, 1));
  EXPECT_FALSE(later.ok);
  copy = text;
  AeadJob same{copy.data(), 64, 5, true};
  const Key32 other(std::span<const std::byte, 32>(rng.array<32>()));
  aead->open(other, std::span(&same, 1));
  EXPECT_FALSE(same.ok);
}

TEST_P(EveryAead, TakesAnEmptyBatch) {
  aead->seal(key, {});
  aead->open(key, {});
}

INSTANTIATE_TEST_SUITE_P(
    Backends, EveryAead, testing::ValuesIn(aead_backends()), [](const auto& named) {
      std::string name(named.param);
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(ChooseAead, AlwaysHasSodium) {
  EXPECT_EQ(aead_backends().back(), "sodium");
  EXPECT_EQ(make_aead("rot13"), nullptr);
}

TEST(ChooseAead, TakesWhatIsForced) {
  for (const std::string_view name : aead_backends()) {
    EXPECT_EQ(choose_aead(std::string(name).c_str()).aead->name(), name);
  }
}

TEST(ChooseAead, FallsBackToSodiumAndSaysSoWhereTheForcedOneIsUnknown) {
  const AeadChoice choice = choose_aead("rot13");
  EXPECT_EQ(choice.aead->name(), "sodium");
  EXPECT_THAT(choice.rejected, testing::ElementsAre("rot13"));
}

// A backend that forgets to check tags must not pass the start-up check.
TEST(ChooseAead, NoticesABackendThatOpensForgeries) {
  struct Careless final : AeadBatch {
    std::unique_ptr<AeadBatch> real = make_aead("sodium");
    std::string_view name() const override { return "careless"; }
    void seal(const Key32& k, std::span<AeadJob> jobs) override { real->seal(k, jobs); }
    void open(const Key32& k, std::span<AeadJob> jobs) override {
      real->open(k, jobs);
      for (AeadJob& job : jobs) job.ok = true;
    }
  } careless;
  EXPECT_FALSE(agrees_with_sodium(careless));
}

}  // namespace
}  // namespace aya::crypto
