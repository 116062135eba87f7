#include "daemon/path/disco_sessions.h"

#include <algorithm>

#include "proto/disco/envelope.h"

namespace aya::path {

bool DiscoSessions::add_owner(const DiscoPublicKey& key, PeerId owner) {
  auto found = sessions_.find(key);
  if (found == sessions_.end()) {
    const auto shared = crypto::box_shared_key(self_.secret(), key.bytes());
    if (!shared) return false;
    found = sessions_.emplace(key, Session{*shared, {}}).first;
  }
  auto& owners = found->second.owners;
  if (std::ranges::find(owners, owner) == owners.end()) owners.push_back(owner);
  return true;
}

void DiscoSessions::remove_owner(const DiscoPublicKey& key, PeerId owner) {
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  std::erase(found->second.owners, owner);
  if (found->second.owners.empty()) sessions_.erase(found);
}

std::span<const PeerId> DiscoSessions::owners(const DiscoPublicKey& key) const {
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return {};
  return found->second.owners;
}

Buffer DiscoSessions::seal(const DiscoPublicKey& to, const disco::Message& message) {
  const auto found = sessions_.find(to);
  AYA_CHECK(found != sessions_.end());
  payload_.clear();
  disco::write(message, payload_);
  Buffer out;
  disco::seal(self_public_, found->second.shared, payload_, rng_, out);
  return out;
}

Result<Buffer, ParseError> DiscoSessions::open(const DiscoPublicKey& from, Bytes datagram) const {
  const auto found = sessions_.find(from);
  AYA_CHECK(found != sessions_.end());
  return disco::open(found->second.shared, datagram);
}

}  // namespace aya::path
