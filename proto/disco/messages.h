// The nine DISCO messages (nat-traversal 2.1, 2.2). A payload is type (1), version (1), body.
//
//   if (auto message = disco::parse(payload)) std::visit(..., *message);
//
// Leniency is the deployed nodes' own: padding and unknown trailing bytes are allowed where they
// allow them, the version byte matters only where they look at it. Addresses on the wire are 16
// bytes; IPv4 comes out as IPv4. Pure, any thread.
#pragma once

#include <variant>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/endpoint.h"

namespace aya::disco {

// Chosen at random by the pinger, echoed by the ponger.
using TxId = std::array<std::byte, 12>;

struct Ping {
  TxId tx_id{};
  // A hint. Trust it only where the netmap says that this node owns the sealing disco key.
  std::optional<NodePublicKey> node_key;
  std::size_t padding = 0;  // zero bytes behind the body; only their number means something

  friend bool operator==(const Ping&, const Ping&) = default;
};

struct Pong {
  TxId tx_id{};
  Endpoint seen_from;  // where the ping came from, as the ponger saw it

  friend bool operator==(const Pong&, const Pong&) = default;
};

struct CallMeMaybe {
  std::vector<Endpoint> endpoints;  // the sender's own, freshly confirmed

  friend bool operator==(const CallMeMaybe&, const CallMeMaybe&) = default;
};

// Bind, Challenge and Answer share one layout and differ in meaning, hence three types.
struct RelayBindFields {
  std::uint32_t vni = 0;         // equals the clear-text Geneve VNI
  std::uint32_t generation = 0;  // non-zero, new for each handshake
  DiscoPublicKey remote_key;     // the other client of the relay endpoint
  std::array<std::byte, 32> challenge{};

  friend bool operator==(const RelayBindFields&, const RelayBindFields&) = default;
};
struct BindRelay : RelayBindFields {};
struct BindRelayChallenge : RelayBindFields {};
struct BindRelayAnswer : RelayBindFields {};

struct RelayEndpoint {
  DiscoPublicKey server;
  std::array<DiscoPublicKey, 2> clients;
  std::uint64_t lamport_id = 0;  // never falls for one server
  std::uint32_t vni = 0;
  std::chrono::nanoseconds bind_lifetime{};
  std::chrono::nanoseconds steady_state_lifetime{};
  std::vector<Endpoint> addresses;

  friend bool operator==(const RelayEndpoint&, const RelayEndpoint&) = default;
};

struct CallMeMaybeVia {
  RelayEndpoint relay;

  friend bool operator==(const CallMeMaybeVia&, const CallMeMaybeVia&) = default;
};

struct AllocateRelayRequest {
  std::array<DiscoPublicKey, 2> clients;
  std::uint32_t generation = 0;

  friend bool operator==(const AllocateRelayRequest&, const AllocateRelayRequest&) = default;
};

struct AllocateRelayResponse {
  std::uint32_t generation = 0;
  RelayEndpoint relay;

  friend bool operator==(const AllocateRelayResponse&, const AllocateRelayResponse&) = default;
};

using Message = std::variant<
    Ping, Pong, CallMeMaybe, BindRelay, BindRelayChallenge, BindRelayAnswer, CallMeMaybeVia,
    AllocateRelayRequest, AllocateRelayResponse>;

// BadType: a type we do not know (ignore it). Truncated, BadLength: a body that cannot be.
// A message whose version we do not speak parses to its empty form, which asks for nothing.
Result<Message, ParseError> parse(Bytes payload);

// Appends type, version and body.
void write(const Message& message, Buffer& out);

}  // namespace aya::disco
