#include "proto/noise/ikpsk2.h"

namespace aya::noise {
namespace {

constexpr std::string_view kConstruction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view kIdentifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

// ck0 and h0 are the same in every handshake: computed once.
SymmetricState pre_message(const NodePublicKey& responder) {  // <- s
  static const SymmetricState kInitial = [] {
    SymmetricState initial(kConstruction);
    initial.mix_hash(as_bytes(kIdentifier));
    return initial;
  }();
  SymmetricState symmetric = kInitial;
  symmetric.mix_hash(responder.bytes());
  return symmetric;
}

// The "e" token of patterns with a preshared key: hash and chaining key both take it.
void mix_ephemeral(SymmetricState& symmetric, const crypto::Point32& ephemeral) {
  symmetric.mix_chaining_key(ephemeral);
  symmetric.mix_hash(ephemeral);
}

}  // namespace

std::optional<crypto::Key32> static_static(const NodePrivateKey& self, const NodePublicKey& peer) {
  return crypto::x25519(self.secret(), peer.bytes());
}

std::optional<Ikpsk2Initiator> Ikpsk2Initiator::begin(
    const NodePublicKey& self, const NodePublicKey& responder, const crypto::Key32& ss,
    const crypto::Key32& ephemeral, const Timestamp& timestamp, Ikpsk2Initiation& out) {
  SymmetricState symmetric = pre_message(responder);  // -> e, es, s, ss
  out.ephemeral = crypto::x25519_public(ephemeral);
  mix_ephemeral(symmetric, out.ephemeral);  // e
  const auto es = crypto::x25519(ephemeral, responder.bytes());
  if (!es) return std::nullopt;
  symmetric.mix_key(es->bytes());                               // es
  symmetric.encrypt_and_hash(self.bytes(), out.sealed_static);  // s
  symmetric.mix_key(ss.bytes());                                // ss
  symmetric.encrypt_and_hash(timestamp, out.sealed_timestamp);
  return Ikpsk2Initiator(symmetric, ephemeral);
}

std::optional<SessionKeys> Ikpsk2Initiator::read_response(
    const Ikpsk2Response& response, const NodePrivateKey& self, const crypto::Key32& psk) const {
  SymmetricState symmetric = symmetric_;         // <- e, ee, se, psk
  mix_ephemeral(symmetric, response.ephemeral);  // e
  const auto ee = crypto::x25519(e_, response.ephemeral);
  if (!ee) return std::nullopt;
  symmetric.mix_chaining_key(ee->bytes());  // ee
  const auto se = crypto::x25519(self.secret(), response.ephemeral);
  if (!se) return std::nullopt;
  symmetric.mix_chaining_key(se->bytes());  // se
  symmetric.mix_key_and_hash(psk.bytes());  // psk
  if (!symmetric.decrypt_and_hash(response.sealed_empty, {})) return std::nullopt;
  const crypto::Kdf2 keys = symmetric.split();
  return SessionKeys{keys.first, keys.second};
}

std::optional<Ikpsk2Responder> Ikpsk2Responder::read_static(
    const Ikpsk2Initiation& initiation, const NodePrivateKey& self,
    const NodePublicKey& self_public) {
  Ikpsk2Responder responder(pre_message(self_public));  // -> e, es, s, ss
  SymmetricState& symmetric = responder.symmetric_;
  responder.re_ = initiation.ephemeral;
  mix_ephemeral(symmetric, responder.re_);  // e
  const auto es = crypto::x25519(self.secret(), responder.re_);
  if (!es) return std::nullopt;
  symmetric.mix_key(es->bytes());  // es
  std::array<std::byte, 32> rs;
  if (!symmetric.decrypt_and_hash(initiation.sealed_static, rs)) return std::nullopt;  // s
  responder.rs_ = NodePublicKey(rs);
  return responder;
}

std::optional<Timestamp> Ikpsk2Responder::read_timestamp(
    const Ikpsk2Initiation& initiation, const crypto::Key32& ss) {
  symmetric_.mix_key(ss.bytes());  // ss
  Timestamp timestamp;
  if (!symmetric_.decrypt_and_hash(initiation.sealed_timestamp, timestamp)) return std::nullopt;
  return timestamp;
}

std::optional<SessionKeys> Ikpsk2Responder::write_response(
    const crypto::Key32& psk, const crypto::Key32& ephemeral, Ikpsk2Response& out) {
  out.ephemeral = crypto::x25519_public(ephemeral);  // <- e, ee, se, psk
  mix_ephemeral(symmetric_, out.ephemeral);          // e
  const auto ee = crypto::x25519(ephemeral, re_);
  if (!ee) return std::nullopt;
  symmetric_.mix_chaining_key(ee->bytes());  // ee
  const auto se = crypto::x25519(ephemeral, rs_.bytes());
  if (!se) return std::nullopt;
  symmetric_.mix_chaining_key(se->bytes());  // se
  symmetric_.mix_key_and_hash(psk.bytes());  // psk
  symmetric_.encrypt_and_hash({}, out.sealed_empty);
  const crypto::Kdf2 keys = symmetric_.split();
  return SessionKeys{keys.second, keys.first};
}

}  // namespace aya::noise
