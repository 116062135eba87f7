// Whom to write to about a network (interfaces 1.8). An address that somebody entered is in force
// once whoever reads mail there has said so, by a link that was sent to it and is good once; until
// then the one before it is. Where no mail can be sent it is in force at once.
//
// Changes go to the store first. Pure but for that. One thread.
#pragma once

#include <array>
#include <map>
#include <memory>

#include "coord-server/nodes/registry.h"
#include "proto/base/rng.h"

namespace aya::people {

using store::ContactKind;
using store::WaitingContact;

// By ContactKind.
inline constexpr std::array<std::string_view, 3> kContactNames = {
    "account", "support", "security"};

class Contacts {
 public:
  static constexpr auto kLinkLasts = std::chrono::days(3);

  // All outlive this.
  static store::Stored<std::unique_ptr<Contacts>> load(
      nodes::Registry& registry, store::Store& storage, Rng& rng);

  const WaitingContact* waiting(store::AccountId account, ContactKind kind) const;
  // By what the link ends in; nullptr: used, over, or never given out.
  const WaitingContact* followed(std::string_view token, WallTime now) const;

  // In force from now on; what waited for the same is forgotten.
  store::Stored<void> set(
      store::AccountId account, ContactKind kind, const std::string& email,
      const store::AuditEntry& audit);
  // The same for one that waited, by who followed the link: whoever reads mail there.
  store::Stored<void> confirm(const WaitingContact& contact, std::string source, WallTime now);
  struct Link {
    std::string token;  // a secret, told this once
    WallTime until{};
  };
  // Waits from now on, in the place of what waited before. Every earlier link is good no more.
  store::Stored<Link> propose(
      store::AccountId account, ContactKind kind, const std::string& email, WallTime now,
      const store::AuditEntry& audit);

 private:
  using Key = std::pair<store::AccountId, ContactKind>;

  Contacts(nodes::Registry& registry, store::Store& storage, Rng& rng)
      : registry_(registry), storage_(storage), rng_(rng) {}

  nodes::Registry& registry_;
  store::Store& storage_;
  Rng& rng_;
  std::map<Key, WaitingContact> waiting_;
};

}  // namespace aya::people
