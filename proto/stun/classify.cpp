#include "proto/stun/classify.h"

#include "proto/disco/envelope.h"
#include "proto/disco/geneve.h"
#include "proto/stun/binding.h"

namespace aya::stun {
namespace {

constexpr std::size_t kLeastDisco = disco::kMagic.size() + DiscoPublicKey::kSize;

bool looks_like_disco(Bytes datagram) {
  return datagram.size() >= kLeastDisco && disco::starts_with_magic(datagram);
}

}  // namespace

DatagramClass classify(Bytes datagram) {
  // WireGuard's second byte is zero, so a receiver index equal to the cookie does not mislead.
  if (is_stun(datagram) && datagram[1] == std::byte{0x01}) return {DatagramKind::Stun, false};
  if (const auto geneve = disco::parse_geneve(datagram)) {
    const Bytes inner = datagram.subspan(disco::GeneveHeader::kSize);
    if (geneve->protocol == disco::GeneveHeader::kWireGuard) return {DatagramKind::WireGuard, true};
    if (geneve->protocol == disco::GeneveHeader::kDisco && looks_like_disco(inner)) {
      return {DatagramKind::Disco, true};
    }
  }
  if (looks_like_disco(datagram)) return {DatagramKind::Disco, false};
  return {DatagramKind::WireGuard, false};
}

}  // namespace aya::stun
