// Tells other programs what happens in a network (interfaces 1.12).
//
//   webhooks.take_due(now)      messages to be posted now; what came of each goes to take_result()
//
// News are read from the audit log, and how far a webhook was told is kept with it: what happened
// while the server or the receiver was away is told afterwards, what was being told when the power
// went is told twice. A message has all events that wait. One that cannot be delivered is tried
// five times over half an hour, then its events are given up and counted.
//
// Changes go to the store first. Pure but for that. One thread.
#pragma once

#include <deque>
#include <memory>

#include "coord-server/delivery/attempts.h"
#include "coord-server/delivery/message.h"
#include "coord-server/webhooks/events.h"
#include "proto/base/rng.h"

namespace aya::webhooks {

using store::Stored;
using store::Webhook;
using store::WebhookId;

class Webhooks {
 public:
  static constexpr std::size_t kMostOfAccount = 20;
  static constexpr std::size_t kMostWaiting = 1000;  // events; older ones are given up
  static constexpr std::size_t kMostInMessage = 100;
  static constexpr auto kLookAtCalendarEvery = std::chrono::minutes(1);

  // All outlive this.
  static Stored<std::unique_ptr<Webhooks>> load(
      nodes::Registry& registry, store::Store& storage, Rng& rng, WallTime now);

  // How it goes, since the start of the server.
  struct State {
    std::size_t waiting = 0;
    std::uint64_t delivered = 0, given_up = 0;  // events
    std::string trouble;                        // of the last try; empty: it went well
  };
  std::vector<const Webhook*> of(store::AccountId account) const;
  const Webhook* find(std::string_view public_id) const;
  State state(const Webhook& webhook) const;

  // Why this cannot be; empty where it can.
  std::string refuses(const Webhook& wish) const;
  // Fills in ids, secret, times. What happened before is not told.
  Stored<const Webhook*> create(Webhook wish, const store::AuditEntry& audit, WallTime now);
  Stored<void> subscribe(
      const Webhook& webhook, std::vector<std::string> subscriptions,
      const store::AuditEntry& audit, WallTime now);
  Stored<void> rotate_secret(const Webhook& webhook, const store::AuditEntry& audit, WallTime now);
  Stored<void> remove(const Webhook& webhook, const store::AuditEntry& audit);
  // A message with the next take_due(), whatever is subscribed to.
  void try_out(const Webhook& webhook, WallTime now);

  Stored<std::vector<delivery::Post>> take_due(WallTime now);
  std::optional<WallTime> next_due() const;
  // The error is for the log.
  Stored<void> take_result(WebhookId id, const delivery::Outcome& outcome, WallTime now);

 private:
  struct Entry {
    Webhook webhook;
    std::deque<Event> waiting;
    std::size_t under_way = 0;  // of those, being posted
    delivery::Attempts attempts{delivery::Attempts::Patience::Limited};
    WallTime looked_at_calendar{};
    State state;
  };

  Webhooks(nodes::Registry& registry, store::Store& storage, Rng& rng)
      : registry_(registry), storage_(storage), rng_(rng) {}
  Entry* find_entry(WebhookId id);
  const Entry* find_entry(WebhookId id) const;
  Stored<void> read_log();
  Stored<void> skip_what_is_of_no_interest();
  void read_calendar(WallTime now);
  void forget_accounts();
  static void add(Entry& entry, Event event);
  Stored<void> done_with(Entry& entry, std::size_t events);

  nodes::Registry& registry_;
  store::Store& storage_;
  Rng& rng_;
  std::map<WebhookId, Entry> entries_;
  std::int64_t read_up_to_ = 0;  // line of the audit log
  std::optional<WallTime> look_at_calendar_at_;
};

}  // namespace aya::webhooks
