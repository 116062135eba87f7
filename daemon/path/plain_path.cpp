#include "daemon/path/plain_path.h"

#include <algorithm>

#include "daemon/path/candidates.h"

namespace aya::path {

void PlainPath::set_endpoints(const std::vector<Endpoint>& endpoints) {
  const std::vector<Candidate> before = std::exchange(candidates_, {});
  for (const Endpoint& at : endpoints) {
    if (!is_usable_candidate(at)) continue;
    const auto known = std::ranges::find(before, at, &Candidate::at);
    candidates_.push_back(known == before.end() ? Candidate{at, {}, false} : *known);
  }
  const bool was_one = std::ranges::find(before, chosen_, &Candidate::at) != before.end();
  const bool is_one = std::ranges::find(candidates_, chosen_, &Candidate::at) != candidates_.end();
  if (was_one && !is_one) {  // taken back: not even for the rest of its time
    chosen_.reset();
    trusted_until_.reset();
  }
}

void PlainPath::forget() {
  for (Candidate& candidate : candidates_) candidate = {candidate.at, {}, false};
  trusted_until_.reset();
  asked_.reset();
}

const PlainPath::Candidate* PlainPath::nearest() const {
  const Candidate* best = nullptr;
  for (const Candidate& one : candidates_) {
    if (!one.latency) continue;
    const bool nearer = best == nullptr || *one.latency < *best->latency ||
                        (*one.latency == *best->latency && one.at.address.is_v6());
    if (nearer) best = &one;
  }
  return best;
}

// Who let a whole round pass has no latency any more: it may be gone.
void PlainPath::ask_all(TimePoint now, std::vector<IpAddress>& ask) {
  if (candidates_.size() < 2 || (asked_ && now - *asked_ < kPlainEchoInterval)) return;
  asked_ = now;
  for (Candidate& candidate : candidates_) {
    if (!std::exchange(candidate.answered, false)) candidate.latency.reset();
    if (std::ranges::find(ask, candidate.at.address) == ask.end()) {
      ask.push_back(candidate.at.address);
    }
  }
}

void PlainPath::note_traffic(TimePoint now, Rng& rng, std::vector<IpAddress>& ask) {
  if (candidates_.empty() || trusted(now)) return;
  const Candidate* best = nearest();
  ask_all(now, ask);
  if (best == nullptr) {
    best = &candidates_[rng.below(static_cast<std::uint32_t>(candidates_.size()))];
  }
  chosen_ = best->at;
  trusted_until_ = now + kPlainChoiceFor;
}

void PlainPath::on_heard(const Endpoint& from, TimePoint now) {
  chosen_ = from;
  trusted_until_ = now + kPlainHeardFor;
}

void PlainPath::on_echo(const IpAddress& from, Duration latency) {
  for (Candidate& candidate : candidates_) {
    if (candidate.at.address != from) continue;
    candidate.latency = latency;
    candidate.answered = true;
  }
}

void PlainPath::on_unreachable(const Endpoint& at) {
  for (Candidate& candidate : candidates_) {
    if (candidate.at == at) candidate.latency.reset();
  }
  if (chosen_ == at) trusted_until_.reset();
}

std::optional<Endpoint> PlainPath::at() const {
  if (chosen_ || candidates_.empty()) return chosen_;
  return candidates_.front().at;
}

Duration PlainPath::latency() const {
  for (const Candidate& candidate : candidates_) {
    if (candidate.at == chosen_ && candidate.latency) return *candidate.latency;
  }
  return {};
}

}  // namespace aya::path
