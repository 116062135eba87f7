#include "proto/noise/ik.h"

#include "proto/base/reader.h"

namespace aya::noise {
namespace {

constexpr std::string_view kProtocol = "Noise_IK_25519_ChaChaPoly_BLAKE2s";

// MixKey(DH(private, public)); false where the public key is a low-order point.
bool mix_dh(
    SymmetricState& symmetric, const crypto::Key32& own, std::span<const std::byte, 32> theirs) {
  const auto shared = crypto::x25519(own, theirs);
  if (shared) symmetric.mix_key(shared->bytes());
  return shared.has_value();
}

SymmetricState pre_message(Bytes prologue, const MachinePublicKey& responder) {  // <- s
  SymmetricState symmetric(kProtocol);
  symmetric.mix_hash(prologue);
  symmetric.mix_hash(responder.bytes());
  return symmetric;
}

}  // namespace

IkInitiator::IkInitiator(
    MachinePrivateKey self, const MachinePublicKey& server, Bytes prologue, Rng& rng)
    : symmetric_(pre_message(prologue, server)),
      s_(std::move(self)),
      rs_(server),
      e_(crypto::new_x25519_private(rng)) {}

Result<std::array<std::byte, kIkMessage1Size>, ParseError> IkInitiator::write_message_1() {
  std::array<std::byte, kIkMessage1Size> out;  // -> e, es, s, ss
  const MutableBytes to(out);
  const crypto::Point32 e_public = crypto::x25519_public(e_);
  copy_bytes(to.first(32), e_public);
  symmetric_.mix_hash(e_public);                                                   // e
  if (!mix_dh(symmetric_, e_, rs_.bytes())) return ParseError::BadValue;           // es
  symmetric_.encrypt_and_hash(s_.public_key().bytes(), to.subspan(32, 48));        // s
  if (!mix_dh(symmetric_, s_.secret(), rs_.bytes())) return ParseError::BadValue;  // ss
  symmetric_.encrypt_and_hash({}, to.subspan(80, 16));
  return out;
}

Result<IkResult, ParseError> IkInitiator::read_message_2(Bytes message) {  // <- e, ee, se
  if (message.size() != kIkMessage2Size) return ParseError::BadLength;
  const auto re = message.first<32>();
  symmetric_.mix_hash(re);                                                // e
  if (!mix_dh(symmetric_, e_, re)) return ParseError::BadValue;           // ee
  if (!mix_dh(symmetric_, s_.secret(), re)) return ParseError::BadValue;  // se
  if (!symmetric_.decrypt_and_hash(message.subspan(32), {})) return ParseError::BadSeal;
  const crypto::Kdf2 keys = symmetric_.split();
  return IkResult{{keys.first, keys.second}, symmetric_.hash()};
}

IkResponder::IkResponder(const MachinePrivateKey& self, Bytes prologue)
    : symmetric_(pre_message(prologue, self.public_key())), s_(self) {}

Result<MachinePublicKey, ParseError> IkResponder::read_message_1(Bytes message) {
  if (message.size() != kIkMessage1Size) return ParseError::BadLength;  // -> e, es, s, ss
  Reader in(message);
  re_ = in.array<32>();
  symmetric_.mix_hash(re_);                                                // e
  if (!mix_dh(symmetric_, s_.secret(), re_)) return ParseError::BadValue;  // es
  std::array<std::byte, 32> rs;
  if (!symmetric_.decrypt_and_hash(in.bytes(48), rs)) return ParseError::BadSeal;  // s
  if (!mix_dh(symmetric_, s_.secret(), rs)) return ParseError::BadValue;           // ss
  if (!symmetric_.decrypt_and_hash(in.rest(), {})) return ParseError::BadSeal;
  rs_ = MachinePublicKey(rs);
  return rs_;
}

Result<IkResponder::Answer, ParseError> IkResponder::write_message_2(Rng& rng) {
  Answer answer;  // <- e, ee, se
  const MutableBytes to(answer.message);
  const crypto::Key32 e = crypto::new_x25519_private(rng);
  const crypto::Point32 e_public = crypto::x25519_public(e);
  copy_bytes(to.first(32), e_public);
  symmetric_.mix_hash(e_public);                                         // e
  if (!mix_dh(symmetric_, e, re_)) return ParseError::BadValue;          // ee
  if (!mix_dh(symmetric_, e, rs_.bytes())) return ParseError::BadValue;  // se
  symmetric_.encrypt_and_hash({}, to.subspan(32));
  const crypto::Kdf2 keys = symmetric_.split();
  answer.result = {{keys.second, keys.first}, symmetric_.hash()};
  return answer;
}

}  // namespace aya::noise
