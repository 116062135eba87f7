// Policies of accounts, every version that was ever in force: who set it, when, and its text byte
// for byte. The newest is the one in force; an empty text is the policy accounts begin with.
#pragma once

#include "coord-server/store/records.h"
#include "coord-server/store/stored.h"

namespace aya::store {

struct PolicyVersion {
  AccountId account;
  std::int64_t version = 0;  // 1, 2, … in each account
  std::string text;
  std::string author;  // JSON object, as in the audit log
  WallTime created{};
};

class Policies {
 public:
  virtual ~Policies() = default;

  // Fills in the number.
  virtual Stored<PolicyVersion> set_policy(PolicyVersion policy, const AuditEntry& audit) = 0;
  virtual Stored<std::vector<PolicyVersion>> policy_versions(
      AccountId account) = 0;  // oldest first
};

}  // namespace aya::store
