// The keys of other issuers, as far as they are needed: what each says of itself and then its keys
// are fetched when a token of it comes, kept for an hour, and fetched anew when a token is by a key
// that nobody knows. Whatever comes in, an issuer is asked once in a few seconds, only so many are
// asked at the same time and only so many are remembered.
//
// Pure: whoever owns a network connection carries out take_fetches() and tells take() what came.
// One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coord-server/oidc/keys.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::federation {

// A document of an issuer, of whom at most one is fetched at a time.
struct Fetch {
  std::string issuer;
  std::string url;  // https
};
struct NoDocument {
  std::string why;
};
using Fetched = Result<std::string, NoDocument>;

class IssuerKeys {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kMostAtOnce = 16;
  static constexpr auto kKept = std::chrono::hours(1);
  // Anybody can send a token with an unknown key.
  static constexpr auto kAtMostEvery = std::chrono::seconds(10);

  // nullptr: none that may be used; ask().
  const oidc::KeySet* find(const std::string& issuer, WallTime now) const;
  // For keys, or newer ones. False: it was asked a moment ago, or too much is under way.
  bool ask(const std::string& issuer, WallTime now);
  std::vector<Fetch> take_fetches() { return std::exchange(fetches_, {}); }

  enum class Progress {
    GoesOn,  // there is another fetch
    Over,    // well or not
  };
  Progress take(const std::string& issuer, const Fetched& got, WallTime now);
  // What went wrong the last time; empty: nothing. For the log.
  std::string trouble(const std::string& issuer) const;

 private:
  enum class Asked { Nothing, Discovery, Keys };
  struct Known {
    Asked asked = Asked::Nothing;  // what is under way
    WallTime asked_at{};           // when that began, or the last ended
    oidc::KeySet keys;
    WallTime keys_from{};
    std::string trouble;
  };
  Known& make(const std::string& issuer);
  Progress end(Known& known, WallTime now, std::string trouble);

  std::map<std::string, Known> known_;
  std::size_t under_way_ = 0;
  std::vector<Fetch> fetches_;
};

}  // namespace aya::federation
