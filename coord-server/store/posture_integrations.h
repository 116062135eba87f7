// Services that look after machines, and are asked about their state for posture checks (interfaces
// 1.13): how each is reached, and how it went the last time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

using PostureIntegrationId = StrongId<struct PostureIntegrationTag, std::int64_t>;

// How somebody at a provider is asked, as an administrator wrote it; what that provider has no use
// for is empty.
struct PostureAccess {
  std::string cloud;   // which of its clouds, or where it is
  std::string client;  // who asks
  std::string tenant;  // about whom
  std::string secret;  // never shown
  friend bool operator==(const PostureAccess&, const PostureAccess&) = default;
};

struct PostureIntegration {
  PostureIntegrationId id;
  std::string public_id;
  AccountId account;
  std::string provider;  // "intune", "fleet", …; an account has one of each
  PostureAccess access;
  WallTime changed{};
  // Of the last sync.
  std::optional<WallTime> synced;
  std::string trouble;        // empty: it went well
  std::int64_t hosts = 0;     // that the provider knows
  std::int64_t matched = 0;   // nodes that are one of them
  std::int64_t possible = 0;  // nodes of which we know which machine they are
  friend bool operator==(const PostureIntegration&, const PostureIntegration&) = default;
};

class PostureIntegrationStore {
 public:
  virtual ~PostureIntegrationStore() = default;

  virtual Stored<std::vector<PostureIntegration>> posture_integrations() = 0;
  // Fills in the id. Taken: there is one of that provider.
  virtual Stored<PostureIntegration> create_posture_integration(
      PostureIntegration integration, const AuditEntry& audit) = 0;
  // How it is reached, and when that changed.
  virtual Stored<void> update_posture_integration(
      const PostureIntegration& integration, const AuditEntry& audit) = 0;
  virtual Stored<void> remove_posture_integration(
      PostureIntegrationId id, const AuditEntry& audit) = 0;
  // How the last sync went.
  virtual Stored<void> note_posture_sync(const PostureIntegration& integration) = 0;
};

}  // namespace aya::store
