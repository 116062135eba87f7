#include "daemon/path/candidates.h"

#include <algorithm>

#include "proto/netaddr/prefix.h"

namespace aya::path {
namespace {

// The overlay's own ranges, and the network that holds the relay's stand-in address.
bool is_overlay_or_stand_in(const IpAddress& address) {
  static const Prefix kNever[] = {
      *Prefix::parse("100.64.0.0/10"), *Prefix::parse("fd7a:115c:a1e0::/48"),
      *Prefix::parse("127.3.3.40/32")};
  return std::ranges::any_of(kNever, [&](const Prefix& p) { return p.contains(address); });
}

}  // namespace

bool is_usable_candidate(const Endpoint& at) {
  const IpAddress& address = at.address;
  if (at.port == 0 || address.is_unspecified() || address.is_multicast()) return false;
  // A link-local IPv6 address means nothing without its interface.
  if (address.is_v6() && address.is_link_local_unicast()) return false;
  return !is_overlay_or_stand_in(address);
}

void Candidate::note_latency(Duration latency) { recent_[pongs_++ % kRecentPongs] = latency; }

void Candidate::forget_history() {
  pongs_ = 0;
  better_pongs = 0;
  last_ping.reset();
}

std::optional<Duration> Candidate::latency() const {
  if (pongs_ == 0) return std::nullopt;
  return *std::min_element(
      recent_.begin(),
      recent_.begin() + static_cast<std::ptrdiff_t>(std::min(pongs_, kRecentPongs)));
}

bool Candidates::set_netmap(std::span<const Endpoint> endpoints) {
  return set_source(&Candidate::in_netmap, endpoints);
}

bool Candidates::set_call(std::span<const Endpoint> endpoints) {
  return set_source(&Candidate::in_call, endpoints);
}

bool Candidates::set_source(bool Candidate::*source, std::span<const Endpoint> endpoints) {
  for (Candidate& candidate : all_) candidate.*source = false;
  bool grew = false;
  for (const Endpoint& at : endpoints) {
    if (!is_usable_candidate(at)) continue;
    Candidate* known = find(at);
    if (!known) {
      known = &all_.emplace_back();
      known->at = at;
      grew = true;
    }
    known->*source = true;
  }
  return grew;
}

Candidate* Candidates::learn(const Endpoint& at, TimePoint now) {
  Candidate* known = find(at);
  if (!known) {
    if (!is_usable_candidate(at) || all_.size() >= kMaxCallMeMaybeAccepted) return nullptr;
    if (all_.size() >= kCandidateSoftCap) expire(now, std::nullopt);
    known = &all_.emplace_back();
    known->at = at;
  }
  known->learned = now;
  return known;
}

Candidate* Candidates::find(const Endpoint& at) {
  const auto found = std::ranges::find(all_, at, &Candidate::at);
  return found == all_.end() ? nullptr : &*found;
}

void Candidates::expire(TimePoint now, const std::optional<Endpoint>& keep) {
  std::erase_if(all_, [&](const Candidate& c) {
    if (c.in_netmap || c.in_call || c.at == keep) return false;
    return !c.learned || now - *c.learned > kLearnedCandidateFor;
  });
}

void Candidates::forget_ping_times() {
  for (Candidate& candidate : all_) candidate.last_ping.reset();
}

void Candidates::forget_history() {
  for (Candidate& candidate : all_) candidate.forget_history();
}

}  // namespace aya::path
