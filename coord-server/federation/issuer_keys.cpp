#include "coord-server/federation/issuer_keys.h"

#include <algorithm>

#include "coord-server/oidc/provider.h"

namespace aya::federation {
namespace {

// A calendar that was set back makes nothing last longer.
bool is_within(Duration span, WallTime since, WallTime now) {
  return since <= now && now < since + span;
}

}  // namespace

const oidc::KeySet* IssuerKeys::find(const std::string& issuer, WallTime now) const {
  const auto found = known_.find(issuer);
  if (found == known_.end() || found->second.keys.empty()) return nullptr;
  return is_within(kKept, found->second.keys_from, now) ? &found->second.keys : nullptr;
}

bool IssuerKeys::ask(const std::string& issuer, WallTime now) {
  const auto found = known_.find(issuer);
  if (found != known_.end()) {
    if (found->second.asked != Asked::Nothing) return true;
    if (is_within(kAtMostEvery, found->second.asked_at, now)) return false;
  }
  if (under_way_ >= kMostAtOnce) return false;
  Known& known = found == known_.end() ? make(issuer) : found->second;
  known.asked = Asked::Discovery;
  known.asked_at = now;
  ++under_way_;
  fetches_.push_back({issuer, oidc::discovery_url(issuer)});
  return true;
}

// In the place of the one that was asked longest ago, where there are too many. Of those some are
// not under way: fewer may be.
IssuerKeys::Known& IssuerKeys::make(const std::string& issuer) {
  static_assert(kMostAtOnce < kMost);
  if (known_.size() >= kMost) {
    known_.erase(std::ranges::min_element(known_, {}, [](const auto& entry) {
      const Known& each = entry.second;
      return std::pair(each.asked != Asked::Nothing, each.asked_at);
    }));
  }
  return known_[issuer];
}

IssuerKeys::Progress IssuerKeys::take(const std::string& issuer, const Fetched& got, WallTime now) {
  const auto found = known_.find(issuer);
  if (found == known_.end() || found->second.asked == Asked::Nothing) return Progress::Over;
  Known& known = found->second;
  if (!got) return end(known, now, got.error().why);
  if (known.asked == Asked::Discovery) {
    auto location = oidc::parse_key_location(*got, issuer);
    if (!location) return end(known, now, location.error());
    known.asked = Asked::Keys;
    fetches_.push_back({issuer, std::move(location->url)});
    return Progress::GoesOn;
  }
  oidc::KeySet keys = oidc::parse_key_set(*got);
  if (keys.empty()) return end(known, now, "it has no keys that could be used");
  known.keys = std::move(keys);
  known.keys_from = now;
  return end(known, now, {});
}

IssuerKeys::Progress IssuerKeys::end(Known& known, WallTime now, std::string trouble) {
  known.asked = Asked::Nothing;
  known.asked_at = now;
  known.trouble = std::move(trouble);
  --under_way_;
  return Progress::Over;
}

std::string IssuerKeys::trouble(const std::string& issuer) const {
  const auto found = known_.find(issuer);
  return found == known_.end() ? std::string() : found->second.trouble;
}

}  // namespace aya::federation
