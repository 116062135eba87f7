// Addresses to write to about a network that wait for being proven. Those that are in force are in
// the account (records.h). Part of Store (store.h), whose contract holds here too.
#pragma once

#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

struct WaitingContact {
  AccountId account;
  ContactKind kind{};
  std::string email;
  SecretHash link{};  // of what a link that was sent there ends in
  WallTime link_expires{};
};

class ContactStore {
 public:
  virtual ~ContactStore() = default;

  virtual Stored<std::vector<WaitingContact>> waiting_contacts() = 0;
  // In the place of another that waits for the same.
  virtual Stored<void> put_waiting_contact(
      const WaitingContact& contact, const AuditEntry& audit) = 0;
  // In force from now on; none waits to take its place.
  virtual Stored<void> set_contact(
      AccountId account, ContactKind kind, const std::string& email, const AuditEntry& audit) = 0;
};

}  // namespace aya::store
