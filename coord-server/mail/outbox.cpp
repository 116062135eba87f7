#include "coord-server/mail/outbox.h"

#include <algorithm>

#include "proto/base/check.h"
#include "proto/base/hex.h"

namespace aya::mail {
namespace {

constexpr auto kLately = std::chrono::hours(1);

// Servers may tell "A@x" from "a@x" and hardly any does: a flood to both is one.
std::string folded(std::string_view address) {
  std::string text(address);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

std::chrono::seconds Outbox::wait_for(const Letter& letter, WallTime now) {
  while (!recent_.empty() && recent_.front().at + kLately <= now) recent_.pop_front();
  const std::string to = folded(letter.to);
  std::chrono::seconds wait{0};
  // The oldest of those that are too many decides.
  const auto look = [&](std::size_t most, const auto& counts) {
    std::size_t seen = 0;
    for (auto one = recent_.rbegin(); one != recent_.rend(); ++one) {
      if (!counts(*one) || ++seen < most) continue;
      wait = std::max(wait, std::chrono::ceil<std::chrono::seconds>(one->at + kLately - now));
      return;
    }
  };
  look(kMostInAll, [](const Recent&) { return true; });
  look(kMostOfAccount, [&](const Recent& one) { return one.account == letter.account; });
  look(kMostToOne, [&](const Recent& one) { return one.to == to; });
  look(kMostAboutOne, [&](const Recent& one) {
    return one.to == to && one.purpose == letter.purpose && letter.purpose != Purpose(Trial{});
  });
  return wait;
}

std::optional<Outbox::Refusal> Outbox::would_refuse(const Letter& letter, WallTime now) {
  using Why = Refusal::Why;
  if (!sender_) return Refusal{Why::NoSender};
  if (!is_address(letter.to)) return Refusal{Why::NoAddress};
  if (const auto wait = wait_for(letter, now); wait.count() > 0) {
    return Refusal{Why::TooOften, wait};
  }
  if (waiting_.size() >= kMostWaiting) return Refusal{Why::Full};
  return std::nullopt;
}

Result<MailId, Outbox::Refusal> Outbox::put(Letter letter, WallTime now) {
  if (const auto refusal = would_refuse(letter, now)) return *refusal;
  recent_.push_back({now, letter.purpose, folded(letter.to), letter.account});
  Entry entry;
  entry.id = MailId{++last_id_};
  entry.message = compose(
      {*sender_, letter.to, std::move(letter.subject), std::move(letter.text), now,
       to_hex(rng_.array<16>())});
  entry.purpose = letter.purpose;
  entry.to = std::move(letter.to);
  entry.not_before = now;
  // Somebody sits and waits for a trial.
  const bool first = letter.purpose == Purpose(Trial{});
  return waiting_.insert(first ? waiting_.begin() : waiting_.end(), std::move(entry))->id;
}

bool Outbox::has(const Purpose& purpose) const {
  return std::ranges::find(waiting_, purpose, &Entry::purpose) != waiting_.end();
}

void Outbox::keep_only(const std::function<bool(const Purpose&)>& stands) {
  std::erase_if(
      waiting_, [&](const Entry& entry) { return !entry.under_way && !stands(entry.purpose); });
}

bool Outbox::is_under_way() const {
  return std::ranges::find(waiting_, true, &Entry::under_way) != waiting_.end();
}

std::optional<Outgoing> Outbox::take_due(WallTime now) {
  if (is_under_way()) return std::nullopt;
  const auto due = std::ranges::find_if(
      waiting_, [&](const Entry& entry) { return entry.not_before <= now; });
  if (due == waiting_.end()) return std::nullopt;
  due->under_way = true;
  return Outgoing{due->id, sender_->address, due->to, due->message};
}

Outbox::Outcome Outbox::take_result(MailId id, const Attempt& attempt, WallTime now) {
  using Fate = Outcome::Fate;
  const auto entry = std::ranges::find(waiting_, id, &Entry::id);
  AYA_CHECK(entry != waiting_.end() && entry->under_way);
  entry->under_way = false;
  Outcome outcome{Fate::Sent, entry->purpose, entry->to};
  if (!attempt) {
    const bool final = attempt.error().code >= 500 || entry->purpose == Purpose(Trial{}) ||
                       entry->failures >= kTryAgainAfter.size();
    outcome.fate = final ? Fate::GivenUp : Fate::LaterAgain;
  }
  if (outcome.fate == Fate::LaterAgain) {
    entry->not_before = now + kTryAgainAfter[entry->failures++];
    return outcome;
  }
  ++(attempt ? counters_.sent : counters_.given_up);
  waiting_.erase(entry);
  return outcome;
}

std::optional<WallTime> Outbox::next_due() const {
  if (waiting_.empty() || is_under_way()) return std::nullopt;
  return std::ranges::min_element(waiting_, {}, &Entry::not_before)->not_before;
}

}  // namespace aya::mail
