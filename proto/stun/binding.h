// STUN binding, as much of RFC 8489 as finding one's own public address takes (nat-traversal 1).
//
// Client: send make_request() from the socket that carries WireGuard (any other measures another
// mapping), keep the transaction id, give answers to parse_response(). Server: parse_request()
// takes only our kind of request, so that the server cannot be used to reflect or amplify anything;
// everything else gets no answer. Pure, any thread.
#pragma once

#include <array>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/endpoint.h"

namespace aya::stun {

using TxId = std::array<std::byte, 12>;
inline constexpr std::size_t kRequestSize = 40;
inline constexpr std::uint16_t kDefaultPort = 3478;

// Length, top bits and cookie. Says nothing about the kind of message.
bool is_stun(Bytes datagram);

// SOFTWARE and FINGERPRINT are not decoration: deployed servers ignore requests without them.
std::array<std::byte, kRequestSize> make_request(const TxId& tx_id);

// The transaction id of a binding request from our kind of client; otherwise why it gets no answer.
Result<TxId, ParseError> parse_request(Bytes datagram);

struct Response {
  TxId tx_id{};
  Endpoint mapped;  // the sender's address as the server saw it; IPv4 always as IPv4
};

// BadMagic: not STUN. BadType: STUN, but no binding success. The rest: damaged attributes.
Result<Response, ParseError> parse_response(Bytes datagram);

// Appends a binding success; an IPv4-mapped address is written as IPv4.
void write_response(const TxId& tx_id, const Endpoint& client, Buffer& out);

}  // namespace aya::stun
