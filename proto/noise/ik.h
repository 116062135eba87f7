// Noise_IK_25519_ChaChaPoly_BLAKE2s as the control protocol uses it (control 3.2): the client knows
// the server's key, the server learns the client's machine key. Payloads are empty. These are the
// bare messages; control_handshake.h puts them into frames.
#pragma once

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/crypto/x25519.h"
#include "proto/keys/private_key.h"
#include "proto/noise/symmetric_state.h"

namespace aya::noise {

inline constexpr std::size_t kIkMessage1Size = 32 + (32 + 16) + 16;
inline constexpr std::size_t kIkMessage2Size = 32 + 16;

struct IkResult {
  SessionKeys keys;               // in our direction: `send` seals what we send
  crypto::Hash32 handshake_hash;  // equal on both sides; for channel binding
};

class IkInitiator {
 public:
  // The ephemeral key is drawn from `rng`, which is not kept.
  IkInitiator(MachinePrivateKey self, const MachinePublicKey& server, Bytes prologue, Rng& rng);

  // BadValue: the server key is a low-order point. Call once.
  Result<std::array<std::byte, kIkMessage1Size>, ParseError> write_message_1();
  Result<IkResult, ParseError> read_message_2(Bytes message);

 private:
  SymmetricState symmetric_;
  MachinePrivateKey s_;
  MachinePublicKey rs_;
  crypto::Key32 e_;
};

class IkResponder {
 public:
  IkResponder(const MachinePrivateKey& self, Bytes prologue);

  // On success the initiator's identity is proven as far as IK proves it in its first message: it
  // holds that machine key, but this may be a replay until it sends its first record.
  Result<MachinePublicKey, ParseError> read_message_1(Bytes message);

  struct Answer {
    std::array<std::byte, kIkMessage2Size> message;
    IkResult result;
  };
  // After read_message_1 has succeeded; once.
  Result<Answer, ParseError> write_message_2(Rng& rng);

 private:
  SymmetricState symmetric_;
  MachinePrivateKey s_;
  crypto::Point32 re_{};
  MachinePublicKey rs_;
};

}  // namespace aya::noise
