// One sealed conversation per DISCO key: the shared key, computed once, and the peers that own the
// key. One key may belong to several peers (node sharing, a switched account; nat-traversal 2.3).
#pragma once

#include <unordered_map>
#include <vector>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/disco/messages.h"
#include "proto/keys/private_key.h"
#include "proto/packet/peer_id.h"

namespace aya::path {

class DiscoSessions {
 public:
  DiscoSessions(const DiscoPrivateKey& self, Rng& rng)
      : self_(self), self_public_(self.public_key()), rng_(rng) {}

  const DiscoPublicKey& self() const { return self_public_; }

  // A key that shares no secret (of low order) is not taken: false, and nothing changes.
  bool add_owner(const DiscoPublicKey& key, PeerId owner);
  void remove_owner(const DiscoPublicKey& key, PeerId owner);
  // Empty: a stranger. Valid until the next change of owners.
  std::span<const PeerId> owners(const DiscoPublicKey& key) const;

  // Only for keys with an owner.
  Buffer seal(const DiscoPublicKey& to, const disco::Message& message);
  Result<Buffer, ParseError> open(const DiscoPublicKey& from, Bytes datagram) const;

 private:
  struct Session {
    crypto::Key32 shared;
    std::vector<PeerId> owners;
  };

  DiscoPrivateKey self_;
  DiscoPublicKey self_public_;
  Rng& rng_;
  std::unordered_map<DiscoPublicKey, Session> sessions_;
  Buffer payload_;  // reused
};

}  // namespace aya::path
