// Store: what must survive. Everything the coordinator acknowledges is in here first.
//
// The contract of every call that changes something:
//   - it is one transaction, audit line included: all of it happened, or none;
//   - when it returns without an error the change is on the disk, and survives `kill -9` and a
//     power cut; only then may an answer leave the machine;
//   - uniqueness (addresses, labels, keys) is decided here, by constraints, never by a look at
//     memory beforehand (interfaces 1.5, 10-16).
//
// The interface is abstract because there are to be two: SQLite for one machine, PostgreSQL later.
// Calls block for the time of a disk write. A Store belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "coord-server/store/addresses.h"
#include "coord-server/store/audit.h"
#include "coord-server/store/automation.h"
#include "coord-server/store/contacts.h"
#include "coord-server/store/flow_logs.h"
#include "coord-server/store/log_streams.h"
#include "coord-server/store/people.h"
#include "coord-server/store/policies.h"
#include "coord-server/store/posture_integrations.h"
#include "coord-server/store/records.h"
#include "coord-server/store/relays.h"
#include "coord-server/store/services.h"
#include "coord-server/store/sharing.h"
#include "coord-server/store/stored.h"
#include "coord-server/store/webhooks.h"
#include "proto/base/histogram.h"

namespace aya::store {

// For the metrics page, since the start of the program.
struct StoreFigures {
  Histogram transactions;
  std::uint64_t failed = 0;        // rolled back
  std::uint64_t audit_failed = 0;  // because the audit log took no line
  std::uint64_t size_bytes = 0;
};

class Store : public AddressStore,
              public AuditStore,
              public AutomationStore,
              public ContactStore,
              public FlowLogStore,
              public LogStreamStore,
              public PeopleStore,
              public Policies,
              public PostureIntegrationStore,
              public RelayStore,
              public ServiceStore,
              public SharingStore,
              public WebhookStore {
 public:
  ~Store() override = default;

  // Everything the registry keeps in memory; read once at start.
  virtual Stored<std::vector<Account>> accounts() = 0;
  virtual Stored<std::vector<User>> users() = 0;
  virtual Stored<std::vector<NodeRecord>> nodes() = 0;
  virtual Stored<std::vector<Quarantine>> quarantines(WallTime now) = 0;

  // The server's own keys and other single values, by name.
  virtual Stored<std::optional<std::string>> server_value(std::string_view name) = 0;
  virtual Stored<void> set_server_value(std::string_view name, std::string_view value) = 0;

  // These fill in the id. An audit entry of a new row gets that id as its target.
  virtual Stored<Account> create_account(Account account) = 0;
  // With its people and keys; its log stays. Its nodes must have gone before.
  virtual Stored<void> remove_account(AccountId account, const AuditEntry& audit) = 0;
  virtual Stored<void> update_dns(
      AccountId account, const control::DnsConfig& dns, const AuditEntry& audit) = 0;
  virtual Stored<void> update_settings(
      AccountId account, const AccountSettings& settings, const AuditEntry& audit) = 0;
  // With how that one comes in, all of it or nothing. Spent: the invitation is no longer there.
  virtual Stored<User> create_user(User user, AuditEntry audit, const FirstLogin& how = {}) = 0;

  // A new node, and the use of the auth key that let it in.
  virtual Stored<NodeRecord> create_node(
      NodeRecord node, std::optional<AuthKeyId> redeemed, AuditEntry audit) = 0;
  // Replaces keys, owner, tags, label, expiry, flags, routes and live part of an existing node; not
  // its addresses. `redeemed` as above, `audit` where a person should see it.
  virtual Stored<void> update_node(
      const NodeRecord& node, std::optional<AuthKeyId> redeemed,
      const std::optional<AuditEntry>& audit) = 0;
  // Its addresses go into quarantine until `free_again`.
  virtual Stored<void> delete_node(NodeId node, WallTime free_again, const AuditEntry& audit) = 0;
  // The live parts of many nodes in one transaction. Unknown nodes are passed over.
  virtual Stored<void> save_live(std::span<const std::pair<NodeId, const NodeLive*>> nodes) = 0;

  // What administrators and programs say about a node; an empty value takes it away. The node's
  // posture is these, and they are loaded with it.
  virtual Stored<void> set_attributes(
      NodeId node, const std::map<std::string, std::optional<NodeAttribute>>& changes,
      const AuditEntry& audit) = 0;

  virtual Stored<AuthKey> create_auth_key(AuthKey key, AuditEntry audit) = 0;
  virtual Stored<std::optional<AuthKey>> auth_key(std::string_view public_id) = 0;
  virtual Stored<std::vector<AuthKey>> auth_keys(AccountId account) = 0;
  virtual Stored<void> revoke_auth_key(AuthKeyId key, WallTime now, const AuditEntry& audit) = 0;

  virtual Stored<ApiToken> create_api_token(ApiToken token, AuditEntry audit) = 0;
  virtual Stored<std::optional<ApiToken>> api_token(std::string_view public_id) = 0;
  virtual Stored<std::vector<ApiToken>> api_tokens(AccountId account) = 0;
  virtual Stored<void> revoke_api_token(
      ApiTokenId token, WallTime now, const AuditEntry& audit) = 0;

  // Whether a write would succeed now.
  virtual Stored<void> probe_write() = 0;
  virtual StoreFigures figures() = 0;
};

}  // namespace aya::store
