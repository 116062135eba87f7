#include "coord-server/webhooks/webhooks.h"

#include <algorithm>

#include "coord-server/enroll/credential_text.h"
#include "coord-server/webhooks/messages.h"
#include "coord-server/webhooks/subscriptions.h"

namespace aya::webhooks {
namespace {

constexpr std::size_t kLinesAtOnce = 500;
constexpr std::int64_t kLinesToSkip = 2000;
constexpr auto kLongestAbsence = std::chrono::hours(25);  // older keys' ends are no news

}  // namespace

Stored<std::unique_ptr<Webhooks>> Webhooks::load(
    nodes::Registry& registry, store::Store& storage, Rng& rng, WallTime now) {
  std::unique_ptr<Webhooks> webhooks(new Webhooks(registry, storage, rng));
  auto rows = storage.webhooks();
  if (!rows) return rows.error();
  webhooks->read_up_to_ = storage.newest_audit_line();
  for (Webhook& row : *rows) {
    webhooks->read_up_to_ = std::min(webhooks->read_up_to_, row.told_line);
    Entry& entry = webhooks->entries_[row.id];
    entry.looked_at_calendar = std::max<WallTime>(row.told_time, now - kLongestAbsence);
    entry.webhook = std::move(row);
  }
  if (!webhooks->entries_.empty()) webhooks->look_at_calendar_at_ = now;
  return webhooks;
}

Webhooks::Entry* Webhooks::find_entry(WebhookId id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const Webhooks::Entry* Webhooks::find_entry(WebhookId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<const Webhook*> Webhooks::of(store::AccountId account) const {
  std::vector<const Webhook*> out;
  for (const auto& [id, entry] : entries_) {
    if (entry.webhook.account == account) out.push_back(&entry.webhook);
  }
  return out;
}

const Webhook* Webhooks::find(std::string_view public_id) const {
  for (const auto& [id, entry] : entries_) {
    if (entry.webhook.public_id == public_id) return &entry.webhook;
  }
  return nullptr;
}

Webhooks::State Webhooks::state(const Webhook& webhook) const {
  const Entry* entry = find_entry(webhook.id);
  if (entry == nullptr) return {};
  State out = entry->state;
  out.waiting = entry->waiting.size();
  out.trouble = entry->attempts.trouble();
  return out;
}

std::string Webhooks::refuses(const Webhook& wish) const {
  if (of(wish.account).size() < kMostOfAccount) return {};
  return "at most " + std::to_string(kMostOfAccount) + " webhooks; remove another one first";
}

Stored<const Webhook*> Webhooks::create(
    Webhook wish, const store::AuditEntry& audit, WallTime now) {
  wish.public_id = 'w' + enroll::random_text(11, rng_);
  wish.secret = "aykey-webhook-" + enroll::random_text(43, rng_);
  wish.created = wish.modified = wish.told_time = now;
  wish.told_line = storage_.newest_audit_line();
  store::AuditEntry entry = audit;
  entry.target_id = wish.public_id;
  auto made = storage_.create_webhook(std::move(wish), entry);
  if (!made) return made.error();
  Entry& kept = entries_[made->id];
  kept.webhook = std::move(*made);
  kept.looked_at_calendar = now;
  if (!look_at_calendar_at_) look_at_calendar_at_ = now + kLookAtCalendarEvery;
  return &kept.webhook;
}

Stored<void> Webhooks::subscribe(
    const Webhook& webhook, std::vector<std::string> subscriptions, const store::AuditEntry& audit,
    WallTime now) {
  Webhook changed = webhook;
  changed.subscriptions = std::move(subscriptions);
  changed.modified = now;
  if (auto stored = storage_.update_webhook(changed, audit); !stored) return stored;
  find_entry(webhook.id)->webhook = std::move(changed);
  return {};
}

Stored<void> Webhooks::rotate_secret(
    const Webhook& webhook, const store::AuditEntry& audit, WallTime now) {
  Webhook changed = webhook;
  changed.secret = "aykey-webhook-" + enroll::random_text(43, rng_);
  changed.modified = now;
  if (auto stored = storage_.update_webhook(changed, audit); !stored) return stored;
  find_entry(webhook.id)->webhook = std::move(changed);
  return {};
}

Stored<void> Webhooks::remove(const Webhook& webhook, const store::AuditEntry& audit) {
  const WebhookId id = webhook.id;
  if (auto stored = storage_.remove_webhook(id, audit); !stored) return stored;
  entries_.erase(id);
  if (entries_.empty()) look_at_calendar_at_.reset();
  return {};
}

void Webhooks::try_out(const Webhook& webhook, WallTime now) {
  Entry& entry = *find_entry(webhook.id);
  add(entry, test_event(now));
  entry.attempts.try_at_once();
}

void Webhooks::add(Entry& entry, Event event) {
  entry.waiting.push_back(std::move(event));
  if (entry.waiting.size() - entry.under_way <= kMostWaiting) return;
  entry.waiting.erase(entry.waiting.begin() + static_cast<std::ptrdiff_t>(entry.under_way));
  ++entry.state.given_up;
}

Stored<void> Webhooks::read_log() {
  while (read_up_to_ < storage_.newest_audit_line()) {
    auto lines = storage_.audit_after(read_up_to_, kLinesAtOnce);
    if (!lines) return lines.error();
    for (const store::AuditLine& line : *lines) {
      std::vector<Event> events;
      for (auto& [id, entry] : entries_) {
        if (entry.webhook.account != line.entry.account) continue;
        if (line.number <= entry.webhook.told_line) continue;
        if (events.empty()) events = events_of(line, registry_);
        for (const Event& event : events) {
          if (wants(entry.webhook.subscriptions, event.type)) add(entry, event);
        }
      }
    }
    if (lines->empty()) break;
    read_up_to_ = lines->back().number;
  }
  return skip_what_is_of_no_interest();
}

// So that a restart does not read all of a long log again.
Stored<void> Webhooks::skip_what_is_of_no_interest() {
  for (auto& [id, entry] : entries_) {
    if (!entry.waiting.empty() || read_up_to_ - entry.webhook.told_line < kLinesToSkip) continue;
    entry.webhook.told_line = read_up_to_;
    if (auto noted = storage_.note_told(entry.webhook); !noted) return noted;
  }
  return {};
}

void Webhooks::read_calendar(WallTime now) {
  if (!look_at_calendar_at_ || *look_at_calendar_at_ > now) return;
  look_at_calendar_at_ = now + kLookAtCalendarEvery;
  for (auto& [id, entry] : entries_) {
    const Webhook& webhook = entry.webhook;
    if (!wants(webhook.subscriptions, "nodeKeyExpired") &&
        !wants(webhook.subscriptions, "nodeKeyExpiringInOneDay")) {
      entry.looked_at_calendar = now;
      continue;
    }
    const WallTime since = std::exchange(entry.looked_at_calendar, now);
    for (Event& event : calendar_events(registry_, webhook.account, since, now)) {
      if (wants(webhook.subscriptions, event.type)) add(entry, std::move(event));
    }
  }
}

// The store has done so.
void Webhooks::forget_accounts() {
  std::erase_if(entries_, [&](const auto& entry) {
    return registry_.account(entry.second.webhook.account) == nullptr;
  });
}

Stored<std::vector<delivery::Post>> Webhooks::take_due(WallTime now) {
  forget_accounts();
  std::vector<delivery::Post> out;
  if (entries_.empty()) {
    read_up_to_ = storage_.newest_audit_line();
    return out;
  }
  if (auto read = read_log(); !read) return read.error();
  read_calendar(now);
  for (auto& [id, entry] : entries_) {
    if (entry.waiting.empty() || !entry.attempts.may_begin(now)) continue;
    entry.attempts.begin();
    entry.under_way = std::min(entry.waiting.size(), kMostInMessage);
    const std::vector<Event> events(
        entry.waiting.begin(),
        entry.waiting.begin() + static_cast<std::ptrdiff_t>(entry.under_way));
    const Webhook& webhook = entry.webhook;
    const std::string body =
        message_body(webhook.provider, registry_.account(webhook.account)->name, events);
    delivery::Message message;
    message.url = webhook.url;
    message.headers.set("Content-Type", "application/json");
    message.headers.set(kSignatureHeader, signature(webhook.secret, now, body));
    const Bytes bytes = as_bytes(body);
    message.body.assign(bytes.begin(), bytes.end());
    out.push_back({id, std::move(message)});
  }
  return out;
}

std::optional<WallTime> Webhooks::next_due() const {
  if (entries_.empty()) return std::nullopt;
  if (read_up_to_ < storage_.newest_audit_line()) return WallTime();
  std::optional<WallTime> next = look_at_calendar_at_;
  for (const auto& [id, entry] : entries_) {
    const auto due = entry.waiting.empty() ? std::nullopt : entry.attempts.next();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

Stored<void> Webhooks::take_result(
    WebhookId id, const delivery::Outcome& outcome, WallTime now) {
  Entry* entry = find_entry(id);
  if (entry == nullptr || entry->under_way == 0) return {};
  const std::size_t events = std::exchange(entry->under_way, 0);
  if (!entry->attempts.end(delivery::trouble_in(outcome), now)) return {};
  const bool taken = entry->attempts.trouble().empty();
  (taken ? entry->state.delivered : entry->state.given_up) += events;
  return done_with(*entry, events);
}

Stored<void> Webhooks::done_with(Entry& entry, std::size_t events) {
  const store::Webhook before = entry.webhook;
  for (; events > 0; --events) {
    const Event& event = entry.waiting.front();
    entry.webhook.told_line = std::max(entry.webhook.told_line, event.line);
    if (event.moment) entry.webhook.told_time = std::max(entry.webhook.told_time, *event.moment);
    entry.waiting.pop_front();
  }
  if (entry.webhook == before) return {};
  return storage_.note_told(entry.webhook);
}

}  // namespace aya::webhooks
