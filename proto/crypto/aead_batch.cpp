#include "proto/crypto/aead_batch.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "proto/base/check.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/aead_backends.h"

#if defined(__has_feature)
#define AYA_HAS_FEATURE(feature) __has_feature(feature)
#else
#define AYA_HAS_FEATURE(feature) 0
#endif

namespace aya::crypto {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
    AYA_HAS_FEATURE(address_sanitizer) || AYA_HAS_FEATURE(thread_sanitizer) || \
    AYA_HAS_FEATURE(memory_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Backend {
  std::string_view name;
  std::unique_ptr<AeadBatch> (*make)();
};

constexpr Backend kBackends[] = {
#ifdef AYA_HAVE_IPSEC_MB
    {"ipsec-mb", make_ipsec_mb_aead},
#endif
    {"openssl", make_openssl_aead},
    {"sodium", make_sodium_aead},
};

// A small generator of test shapes: the check must cost little and repeat exactly.
class Shapes {
 public:
  std::uint32_t below(std::uint32_t bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33) % bound;
  }
  void fill(MutableBytes out) {
    for (std::byte& b : out) b = static_cast<std::byte>(below(256));
  }

 private:
  std::uint64_t state_ = 20260101;
};

constexpr std::size_t kLargest = 2048;
constexpr std::size_t kBatchLimit = 24;

struct Batch {
  std::vector<Buffer> texts;  // each with room for its tag
  std::vector<AeadJob> jobs;

  explicit Batch(std::vector<Buffer> from, std::uint64_t first_counter) : texts(std::move(from)) {
    for (Buffer& text : texts) {
      jobs.push_back(
          {text.data(), static_cast<std::uint32_t>(text.size() - kTagSize), first_counter++,
           false});
    }
  }
};

std::vector<Buffer> draw_texts(Shapes& shapes) {
  std::vector<Buffer> texts(1 + shapes.below(kBatchLimit));
  for (Buffer& text : texts) {
    text.resize(shapes.below(kLargest) + kTagSize);
    shapes.fill(text);
  }
  return texts;
}

bool opens_to(AeadBatch& candidate, const Key32& key, Batch& sealed, const Batch& plain) {
  candidate.open(key, sealed.jobs);
  for (std::size_t i = 0; i < sealed.jobs.size(); ++i) {
    const Bytes got(sealed.jobs[i].data, sealed.jobs[i].len);
    const Bytes wanted(plain.jobs[i].data, plain.jobs[i].len);
    if (!sealed.jobs[i].ok || !equal_bytes(got, wanted)) return false;
  }
  return true;
}

// One flipped bit, anywhere, must be noticed, and in that packet only.
bool notices_damage(AeadBatch& candidate, const Key32& key, Batch& sealed, Shapes& shapes) {
  const auto victim = shapes.below(static_cast<std::uint32_t>(sealed.texts.size()));
  Buffer& text = sealed.texts[victim];
  text[shapes.below(static_cast<std::uint32_t>(text.size()))] ^=
      static_cast<std::byte>(1u << shapes.below(8));
  candidate.open(key, sealed.jobs);
  for (std::size_t i = 0; i < sealed.jobs.size(); ++i) {
    if (sealed.jobs[i].ok != (i != victim)) return false;
  }
  return true;
}

bool agrees_on_one_batch(AeadBatch& candidate, AeadBatch& oracle, Shapes& shapes) {
  Key32 key;
  shapes.fill(key.mutable_bytes());
  const std::uint64_t counter = std::uint64_t{shapes.below(1u << 31)} << shapes.below(32);
  const Batch plain(draw_texts(shapes), counter);
  Batch expected(plain.texts, counter);
  oracle.seal(key, expected.jobs);
  Batch sealed(plain.texts, counter);
  candidate.seal(key, sealed.jobs);
  if (sealed.texts != expected.texts) return false;
  if (!opens_to(candidate, key, sealed, plain)) return false;
  Batch damaged(expected.texts, counter);
  return notices_damage(candidate, key, damaged, shapes);
}

// The vectors of RFC 8439 have associated data, which bulk packets never carry. This fixed point is
// the keepalive of dataplane 1.12.
bool agrees_on_known_answer(AeadBatch& candidate) {
  constexpr unsigned char kKey[] = {0xa1, 0x8c, 0xc8, 0x09, 0xfd, 0x05, 0xb6, 0xb5,
                                    0xf9, 0x96, 0x44, 0xcf, 0x50, 0x6f, 0x89, 0xdc,
                                    0xe3, 0x68, 0xc2, 0xf5, 0x4a, 0x9d, 0xbe, 0xb9,
                                    0xa3, 0x84, 0xf3, 0x6c, 0x27, 0x43, 0x17, 0xef};
  constexpr unsigned char kTag[] = {0x25, 0x73, 0xd3, 0x03, 0x0a, 0xab, 0xba, 0x0c,
                                    0x61, 0x6d, 0xf8, 0xe5, 0xa1, 0xba, 0xb6, 0x0b};
  const Key32 key(std::as_bytes(std::span(kKey)));
  std::array<std::byte, kTagSize> text{};
  AeadJob job{text.data(), 0, 0, false};
  candidate.seal(key, std::span(&job, 1));
  return equal_bytes(text, std::as_bytes(std::span(kTag)));
}

}  // namespace

std::vector<std::string_view> aead_backends() {
  std::vector<std::string_view> names;
  for (const Backend& backend : kBackends) {
    if (backend.make() != nullptr) names.push_back(backend.name);
  }
  return names;
}

std::unique_ptr<AeadBatch> make_aead(std::string_view name) {
  AYA_CHECK(sodium_init() >= 0);
  const auto found = std::ranges::find(kBackends, name, &Backend::name);
  return found == std::end(kBackends) ? nullptr : found->make();
}

bool agrees_with_sodium(AeadBatch& candidate) {
  const auto oracle = make_sodium_aead();
  Shapes shapes;
  if (!agrees_on_known_answer(candidate)) return false;
  for (int batch = 0; batch < 16; ++batch) {  // about 200 packets
    if (!agrees_on_one_batch(candidate, *oracle, shapes)) return false;
  }
  return true;
}

AeadChoice choose_aead(const char* forced) {
  AeadChoice choice;
  std::vector<std::string_view> candidates;
  if (forced != nullptr && *forced != '\0') {
    candidates.emplace_back(forced);
  } else if (!kSanitized) {
    for (const Backend& backend : kBackends) candidates.push_back(backend.name);
  }
  for (const std::string_view name : candidates) {
    auto aead = make_aead(name);
    if (aead != nullptr && agrees_with_sodium(*aead)) {
      choice.aead = std::move(aead);
      return choice;
    }
    choice.rejected.push_back(name);
  }
  choice.aead = make_aead("sodium");
  return choice;
}

}  // namespace aya::crypto
