#include "daemon/exit_node/chooser.h"

#include <algorithm>

namespace aya::exit_node {

void Chooser::set(
    const Wish& wish, std::vector<Candidate> candidates, std::map<RegionId, Duration> relays,
    TimePoint now, Effects& out) {
  const auto before = in_use();
  const bool began = wish.kind == Wish::Kind::Auto && wish_.kind != Wish::Kind::Auto;
  const std::string begin_with = wish.id.empty() ? wish_.id : wish.id;
  wish_ = wish;
  candidates_ = std::move(candidates);
  distances_.relays = std::move(relays);
  std::erase_if(distances_.answers, [this](const auto& one) { return find(one.first) == nullptr; });
  if (!is_auto()) {
    current_.clear();
    unanswered_since_.reset();
    doubt_.reset();
    left_.clear();
    review_at_.reset();
    review_ends_at_.reset();
    out.changed |= in_use() != before;
    return;
  }
  if (began) {
    current_ = begin_with;
    was_online_ = true;
    review_at_ = now;  // what is known so far says nothing about how quick they are
  }
  if (current() == nullptr) {
    choose(now, out);
  } else {
    // The coordinator may be wrong about it; a node that answers us is there.
    const bool online = current()->online;
    if (was_online_ && !online && !doubt_) doubt(now);
    was_online_ = online;
  }
  out.changed |= in_use() != before;
}

std::optional<std::string> Chooser::in_use() const {
  switch (wish_.kind) {
    case Wish::Kind::Off:
      return std::nullopt;
    case Wish::Kind::Named:
      return wish_.id;
    case Wish::Kind::Auto:
      return current_;
  }
  return std::nullopt;
}

const Candidate* Chooser::suggestion() const {
  const auto ranked = by_preference(candidates_, distances_, Among::Suggested);
  return ranked.empty() ? nullptr : ranked.front();
}

const Candidate* Chooser::find(const std::string& id) const {
  const auto found = std::ranges::find(candidates_, id, &Candidate::id);
  return found == candidates_.end() ? nullptr : &*found;
}

// ---- whether the node in use still works

Duration Chooser::silence_allowed() const {
  const Candidate* node = current();
  return node == nullptr || node->answers_pings ? kSilence : kPlainSilence;
}

Duration Chooser::patience() const {
  const auto known = distances_.answers.find(current_);
  if (known == distances_.answers.end()) return kDeadAfter;
  return std::clamp<Duration>(3 * known->second, kDeadAfter, kDeadAtMost);
}

void Chooser::doubt(TimePoint now) { doubt_ = Doubt{now, now, 0, {}}; }

void Chooser::watch(const Traffic& traffic, TimePoint now, Effects& out) {
  const auto& [sent, heard] = traffic;
  if (!sent || (heard && *heard >= *sent)) {
    unanswered_since_.reset();
  } else if (!unanswered_since_) {
    unanswered_since_ = now;
  } else if (heard && *heard >= *unanswered_since_) {
    unanswered_since_ = *heard;
  }
  if (doubt_ && heard && *heard > doubt_->since) doubt_.reset();
  if (!doubt_ && unanswered_since_ && now - *unanswered_since_ >= silence_allowed()) doubt(now);
  if (doubt_ && doubt_->ask_at <= now) ask(now, out);
  leave_if_dead(now, out);
}

void Chooser::ask(TimePoint now, Effects& out) {
  ++doubt_->asked;
  if (current() != nullptr && current()->answers_pings) out.ask.push_back(current_);
  // One lost answer is not worth disturbing the others for.
  if (doubt_->asked > 1) {
    for (const Candidate* other : others(now)) {
      if (out.ask.size() > kAskOthers) break;
      out.ask.push_back(other->id);
    }
  }
  const TimePoint dead_at = doubt_->since + patience();
  doubt_->ask_at = now + kAskEvery;
  if (dead_at > now) {
    doubt_->ask_at = std::min(doubt_->ask_at, dead_at);
  } else if (now - doubt_->since > kDeadAtMost) {
    doubt_->ask_at = now + kAskLater;
  }
}

void Chooser::leave_if_dead(TimePoint now, Effects& out) {
  if (!doubt_ || now - doubt_->since < patience()) return;
  for (const Candidate* other : others(now)) {
    if (!doubt_->answered.contains(other->id)) continue;
    left_[current_] = now;
    return use(other->id, now, out);
  }
}

void Chooser::on_answer(const std::string& id, Duration latency, TimePoint now, Effects& out) {
  if (find(id) == nullptr) return;
  distances_.answers[id] = latency;
  if (review_ends_at_) review_answers_.insert(id);
  if (!doubt_) return;
  if (id == current_) {
    doubt_.reset();
    unanswered_since_.reset();
    return;
  }
  doubt_->answered.insert(id);
  leave_if_dead(now, out);
}

// ---- which one instead

bool Chooser::avoided(const Candidate& one, TimePoint now) const {
  const auto left = left_.find(one.id);
  return left != left_.end() && now - left->second < kAvoidFor;
}

std::vector<const Candidate*> Chooser::others(TimePoint now) const {
  auto ranked = by_preference(candidates_, distances_, Among::Any);
  std::erase(ranked, current());
  std::stable_partition(
      ranked.begin(), ranked.end(), [&](const Candidate* one) { return !avoided(*one, now); });
  return ranked;
}

void Chooser::use(const std::string& id, TimePoint now, Effects& out) {
  out.changed |= current_ != id;
  current_ = id;
  was_online_ = true;
  unanswered_since_.reset();
  doubt_.reset();
  review_at_ = now + kReviewEvery;
  review_ends_at_.reset();
}

void Chooser::choose(TimePoint now, Effects& out) {
  const auto best = others(now);
  use(best.empty() ? std::string() : best.front()->id, now, out);
  if (!best.empty()) review_at_ = now;
}

void Chooser::review(TimePoint now, Effects& out) {
  review_answers_.clear();
  review_ends_at_ = now + kReviewAnswersIn;
  if (current() != nullptr && current()->answers_pings) out.ask.push_back(current_);
  for (const Candidate* other : others(now)) {
    if (out.ask.size() >= kAskAtMost) break;
    if (other->answers_pings) out.ask.push_back(other->id);
  }
}

void Chooser::end_review(TimePoint now, Effects& out) {
  review_at_ = now + kReviewEvery;
  if (doubt_ || current() == nullptr) return;
  const auto ranked = by_preference(candidates_, distances_, Among::Any);
  for (const Candidate* other : ranked) {
    if (other->id == current_) return;
    if (!review_answers_.contains(other->id) || avoided(*other, now)) continue;
    if (clearly_better(*other, *current(), distances_)) return use(other->id, now, out);
  }
}

void Chooser::advance(const Traffic& traffic, TimePoint now, Effects& out) {
  if (!is_auto()) return;
  if (current() == nullptr) return;  // set() brings one
  watch(traffic, now, out);
  if (take_if_due(review_at_, now)) review(now, out);
  if (take_if_due(review_ends_at_, now)) end_review(now, out);
}

std::optional<TimePoint> Chooser::next_deadline() const {
  if (!is_auto() || current() == nullptr) return std::nullopt;
  auto next = earlier(review_at_, review_ends_at_);
  if (doubt_) return earlier(next, doubt_->ask_at);
  if (unanswered_since_) next = earlier(next, *unanswered_since_ + silence_allowed());
  return next;
}

}  // namespace aya::exit_node
