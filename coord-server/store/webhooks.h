// Where a network's changes are told to other programs (interfaces 1.12), and how far each of those
// has got in the audit log, which is where the news come from.
#pragma once

#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

using WebhookId = StrongId<struct WebhookTag, std::int64_t>;

struct Webhook {
  WebhookId id;
  std::string public_id;
  AccountId account;
  std::string url;
  std::string provider;  // whose form messages have: "slack", …; empty: our own
  std::vector<std::string> subscriptions;
  std::string secret;   // what messages are signed with
  std::string creator;  // login name
  WallTime created{}, modified{};
  // Everything before was told, or was of no interest: the last line of the audit log, and the last
  // moment of what happens by the calendar.
  std::int64_t told_line = 0;
  WallTime told_time{};
  friend bool operator==(const Webhook&, const Webhook&) = default;
};

class WebhookStore {
 public:
  virtual ~WebhookStore() = default;

  virtual Stored<std::vector<Webhook>> webhooks() = 0;
  virtual Stored<Webhook> create_webhook(Webhook webhook, const AuditEntry& audit) = 0;  // fills id
  // Its subscriptions, secret and time of change.
  virtual Stored<void> update_webhook(const Webhook& webhook, const AuditEntry& audit) = 0;
  virtual Stored<void> remove_webhook(WebhookId id, const AuditEntry& audit) = 0;
  // How far it has got.
  virtual Stored<void> note_told(const Webhook& webhook) = 0;
};

}  // namespace aya::store
