// Posture integrations (interfaces 1.13): what other services know about the state of machines,
// brought to their nodes as attributes that policies ask for, and kept up to date.
//
//   integrations.take_due(now, posts)     questions to be asked now; what came of each goes to
//                                         take_result()
//
// Each integration is asked every quarter of an hour, at once when it was made or changed and after
// a start, and a while later when that failed. Until it works again its nodes keep the attributes
// they have, and the integration says what is wrong. A node that says which machine it is gets what
// was known of that one the last time.
//
// Only attributes that change are written: the rest makes no news for anybody.
//
// Changes go to the store first. Pure but for that. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "coord-server/delivery/attempts.h"
#include "coord-server/device_posture/matching.h"
#include "coord-server/nodes/registry.h"
#include "coord-server/posture_providers/conversation.h"
#include "proto/base/rng.h"

namespace aya::device_posture {

using store::PostureAccess;
using store::PostureIntegration;
using store::PostureIntegrationId;
using store::Stored;

class Integrations {
 public:
  static constexpr auto kSyncEvery = std::chrono::minutes(15);
  static constexpr std::size_t kMostAtOnce = 4;  // that are asked

  // All outlive this.
  static Stored<std::unique_ptr<Integrations>> load(
      nodes::Registry& registry, store::Store& storage, Rng& rng);

  std::vector<const PostureIntegration*> of(store::AccountId account) const;
  const PostureIntegration* find(std::string_view public_id) const;

  // `wish`: of which posture_providers::fault_in() has nothing to say. Its id is filled in, also in
  // the audit entry. Taken: the account has one of that provider.
  Stored<const PostureIntegration*> create(
      PostureIntegration wish, const store::AuditEntry& audit, WallTime now);
  Stored<void> change(
      const PostureIntegration& integration, PostureAccess access, const store::AuditEntry& audit,
      WallTime now);
  // With the attributes that came from it.
  Stored<void> remove(const PostureIntegration& integration, const store::AuditEntry& audit);
  void sync_at_once(const PostureIntegration& integration);

  void take_due(WallTime now, std::vector<delivery::Post>& out);
  std::optional<WallTime> next_due() const;
  // The error is for the log.
  Stored<void> take_result(
      PostureIntegrationId id, const delivery::Outcome& outcome, WallTime now);
  // This node has said which machine it is.
  Stored<void> match_again(store::NodeId node, WallTime now);

 private:
  struct Entry {
    PostureIntegration integration;
    delivery::Attempts attempts{delivery::Attempts::Patience::Endless};
    std::optional<WallTime> went_well_at;  // since the start, and since the last change
    std::optional<posture_providers::Conversation> talk;
    bool asked = false;    // a question is under way
    bool changed = false;  // since that was asked: what comes of it does not count
    std::optional<posture_providers::Report> known;
  };

  Integrations(nodes::Registry& registry, store::Store& storage, Rng& rng)
      : registry_(registry), storage_(storage), rng_(rng) {}
  Entry* find_entry(PostureIntegrationId id);
  void forget_accounts();
  std::optional<WallTime> due(const Entry& entry) const;
  Stored<void> end(Entry& entry, std::string trouble, WallTime now);
  Stored<void> bring_to_nodes(Entry& entry, WallTime now);
  store::AuditEntry about(
      const nodes::Node& node, const std::string& provider, WallTime now) const;
  Stored<void> set(const nodes::Node& node, const Changes& to, store::AuditEntry entry);

  nodes::Registry& registry_;
  store::Store& storage_;
  Rng& rng_;
  std::map<PostureIntegrationId, Entry> entries_;
};

}  // namespace aya::device_posture
