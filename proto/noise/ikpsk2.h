// Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as WireGuard uses it (dataplane 1.3): the cryptographic
// content of its initiation and response, without indices, MACs and framing, which are
// proto/wireguard's and daemon/tunnel's. Nothing here draws randomness or reads a clock.
//
// Letters follow the specification: s static, e ephemeral, ss the static-static secret.
#pragma once

#include "proto/crypto/x25519.h"
#include "proto/keys/private_key.h"
#include "proto/noise/symmetric_state.h"

namespace aya::noise {

using Timestamp = std::array<std::byte, 12>;  // TAI64N; compares like the time it stands for

struct Ikpsk2Initiation {
  crypto::Point32 ephemeral;
  std::array<std::byte, 32 + 16> sealed_static;
  std::array<std::byte, 12 + 16> sealed_timestamp;
};

struct Ikpsk2Response {
  crypto::Point32 ephemeral;
  std::array<std::byte, 16> sealed_empty;
};

// DH(s, S): constant per pair of peers and worth keeping. nullopt: a low-order public key.
std::optional<crypto::Key32> static_static(const NodePrivateKey& self, const NodePublicKey& peer);

class Ikpsk2Initiator {
 public:
  // nullopt: the responder's key is a low-order point.
  static std::optional<Ikpsk2Initiator> begin(
      const NodePublicKey& self, const NodePublicKey& responder, const crypto::Key32& ss,
      const crypto::Key32& ephemeral, const Timestamp& timestamp, Ikpsk2Initiation& out);

  // Does not change the initiator, so that a forged response costs the handshake nothing.
  std::optional<SessionKeys> read_response(
      const Ikpsk2Response& response, const NodePrivateKey& self, const crypto::Key32& psk) const;

  const SymmetricState& symmetric() const { return symmetric_; }

 private:
  Ikpsk2Initiator(const SymmetricState& symmetric, const crypto::Key32& ephemeral)
      : symmetric_(symmetric), e_(ephemeral) {}

  SymmetricState symmetric_;
  crypto::Key32 e_;
};

class Ikpsk2Responder {
 public:
  // First half: who claims to send this? nullopt: not sealed for us.
  static std::optional<Ikpsk2Responder> read_static(
      const Ikpsk2Initiation& initiation, const NodePrivateKey& self,
      const NodePublicKey& self_public);
  const NodePublicKey& initiator() const { return rs_; }

  // Second half: the claim is proven and the timestamp authentic.
  std::optional<Timestamp> read_timestamp(
      const Ikpsk2Initiation& initiation, const crypto::Key32& ss);

  // Once, after read_timestamp has succeeded. nullopt: the initiator's keys are low-order points.
  std::optional<SessionKeys> write_response(
      const crypto::Key32& psk, const crypto::Key32& ephemeral, Ikpsk2Response& out);

  const SymmetricState& symmetric() const { return symmetric_; }

 private:
  explicit Ikpsk2Responder(const SymmetricState& symmetric) : symmetric_(symmetric) {}

  SymmetricState symmetric_;
  crypto::Point32 re_{};
  NodePublicKey rs_;
};

}  // namespace aya::noise
