#include "proto/wireguard/macs.h"

#include "proto/base/check.h"

namespace aya::wireguard {
namespace {

Bytes before_mac1(Bytes message) { return message.first(message.size() - sizeof(Macs)); }
Bytes before_mac2(Bytes message) { return message.first(message.size() - sizeof(Mac)); }

const Macs& macs_of(Bytes message) {
  AYA_CHECK(message.size() > sizeof(Macs));
  return *view<Macs>(message.last(sizeof(Macs)));
}

}  // namespace

MacKeys mac_keys_of(const NodePublicKey& recipient) {
  return {
      crypto::blake2s({as_bytes("mac1----"), recipient.bytes()}),
      crypto::blake2s({as_bytes("cookie--"), recipient.bytes()})};
}

Mac mac1_of(const MacKeys& recipient, Bytes message) {
  return crypto::blake2s_mac16(recipient.mac1, {before_mac1(message)});
}

Mac mac2_of(const Cookie& cookie, Bytes message) {
  return crypto::blake2s_mac16(cookie, {before_mac2(message)});
}

bool mac1_is_good(const MacKeys& own, Bytes message) {
  return crypto::equal_in_constant_time(mac1_of(own, message), macs_of(message).mac1);
}

bool mac2_is_good(const Cookie& expected, Bytes message) {
  return crypto::equal_in_constant_time(mac2_of(expected, message), macs_of(message).mac2);
}

void put_macs(const MacKeys& recipient, const std::optional<Cookie>& cookie, MutableBytes message) {
  Macs& macs = const_cast<Macs&>(macs_of(message));
  macs.mac1 = mac1_of(recipient, message);
  macs.mac2 = cookie ? mac2_of(*cookie, message) : Mac{};
}

Cookie cookie_for(const crypto::Key32& secret, Bytes source) {
  return crypto::blake2s_mac16(secret.bytes(), {source});
}

CookieReply seal_cookie(
    const MacKeys& own, std::uint32_t receiver, std::span<const std::byte, 24> nonce,
    const Cookie& cookie, const Mac& offending_mac1) {
  CookieReply reply;
  reply.type = static_cast<std::uint32_t>(MessageType::CookieReply);
  reply.receiver = receiver;
  copy_bytes(reply.nonce, nonce);
  crypto::xseal_into(
      crypto::Key32(own.cookie), reply.nonce, offending_mac1, cookie, reply.sealed_cookie);
  return reply;
}

std::optional<Cookie> open_cookie(
    const MacKeys& sender, const CookieReply& reply, const Mac& last_mac1) {
  Cookie cookie;
  const bool opened = crypto::xopen_into(
      crypto::Key32(sender.cookie), reply.nonce, last_mac1, reply.sealed_cookie, cookie);
  return opened ? std::optional(cookie) : std::nullopt;
}

}  // namespace aya::wireguard
