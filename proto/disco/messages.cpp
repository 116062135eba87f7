#include "proto/disco/messages.h"

#include "proto/base/reader.h"
#include "proto/base/writer.h"

namespace aya::disco {
namespace {

enum class Type : std::uint8_t {
  Ping = 0x01,
  Pong = 0x02,
  CallMeMaybe = 0x03,
  BindRelay = 0x04,
  BindRelayChallenge = 0x05,
  BindRelayAnswer = 0x06,
  CallMeMaybeVia = 0x07,
  AllocateRelayRequest = 0x08,
  AllocateRelayResponse = 0x09,
};

constexpr std::size_t kEndpointSize = 16 + 2;

Endpoint read_endpoint(Reader& in) {
  const auto address = in.array<16>();
  const std::uint16_t port = in.u16be();
  return {IpAddress::from_mapped_16(address), port};
}

void write_endpoint(Writer& to, const Endpoint& at) {
  to.bytes(at.address.to_mapped_16());
  to.u16be(at.port);
}

template <class Key>
void read_key(Reader& in, Key& key) {
  const auto raw = in.array<Key::kSize>();
  if (!in.failed()) key = Key(raw);
}

// Everything that is left, as endpoints; the caller has checked that it divides evenly.
std::vector<Endpoint> read_endpoints(Reader& in) {
  std::vector<Endpoint> out;
  out.reserve(in.remaining() / kEndpointSize);
  while (in.remaining() > 0 && !in.failed()) out.push_back(read_endpoint(in));
  return out;
}

// Each body parser yields a Message or says why not; the reader stands behind the version byte.
using Parsed = Result<Message, ParseError>;

Parsed finish(const Reader& in, Message message) {
  if (in.failed()) return ParseError::Truncated;
  return message;
}

Parsed parse_ping(Reader in) {
  Ping ping;
  in.copy_into(ping.tx_id);
  // Nodes of long ago sent no node key; a body too short for one is such a ping.
  if (in.remaining() >= NodePublicKey::kSize) read_key(in, ping.node_key.emplace());
  if (ping.node_key && ping.node_key->is_zero()) ping.node_key.reset();
  ping.padding = in.remaining();
  return finish(in, ping);
}

Parsed parse_pong(Reader in) {
  Pong pong;
  in.copy_into(pong.tx_id);
  pong.seen_from = read_endpoint(in);
  return finish(in, pong);
}

Parsed parse_call_me_maybe(Reader in) {
  if (in.remaining() % kEndpointSize != 0) return Message(CallMeMaybe{});
  return Message(CallMeMaybe{read_endpoints(in)});
}

template <class Bind>
Parsed parse_bind(Reader in) {
  Bind bind;
  bind.vni = in.u32be();
  bind.generation = in.u32be();
  read_key(in, bind.remote_key);
  in.copy_into(bind.challenge);
  return finish(in, bind);
}

Result<RelayEndpoint, ParseError> parse_relay_endpoint(Reader in) {
  RelayEndpoint relay;
  read_key(in, relay.server);
  for (DiscoPublicKey& client : relay.clients) read_key(in, client);
  relay.lamport_id = in.u64be();
  relay.vni = in.u32be();
  relay.bind_lifetime = std::chrono::nanoseconds(static_cast<std::int64_t>(in.u64be()));
  relay.steady_state_lifetime = std::chrono::nanoseconds(static_cast<std::int64_t>(in.u64be()));
  // A relay endpoint without an address is of no use, hence not a message.
  if (in.failed() || in.remaining() == 0) return ParseError::Truncated;
  if (in.remaining() % kEndpointSize != 0) return ParseError::BadLength;
  relay.addresses = read_endpoints(in);
  return relay;
}

Parsed parse_call_me_maybe_via(Reader in) {
  auto relay = parse_relay_endpoint(in);
  if (!relay) return relay.error();
  return Message(CallMeMaybeVia{std::move(*relay)});
}

Parsed parse_allocate_request(Reader in) {
  AllocateRelayRequest request;
  for (DiscoPublicKey& client : request.clients) read_key(in, client);
  request.generation = in.u32be();
  return finish(in, request);
}

Parsed parse_allocate_response(Reader in) {
  AllocateRelayResponse response;
  response.generation = in.u32be();
  auto relay = parse_relay_endpoint(in);
  if (!relay) return relay.error();
  response.relay = std::move(*relay);
  return Message(std::move(response));
}

void write_relay_endpoint(Writer& to, const RelayEndpoint& relay) {
  to.bytes(relay.server.bytes());
  for (const DiscoPublicKey& client : relay.clients) to.bytes(client.bytes());
  to.u64be(relay.lamport_id);
  to.u32be(relay.vni);
  to.u64be(static_cast<std::uint64_t>(relay.bind_lifetime.count()));
  to.u64be(static_cast<std::uint64_t>(relay.steady_state_lifetime.count()));
  for (const Endpoint& at : relay.addresses) write_endpoint(to, at);
}

class BodyWriter {
 public:
  explicit BodyWriter(Writer& to) : to_(to) {}

  void operator()(const Ping& ping) {
    begin(Type::Ping);
    to_.bytes(ping.tx_id);
    if (ping.node_key) to_.bytes(ping.node_key->bytes());
    to_.zeros(ping.padding);
  }
  void operator()(const Pong& pong) {
    begin(Type::Pong);
    to_.bytes(pong.tx_id);
    write_endpoint(to_, pong.seen_from);
  }
  void operator()(const CallMeMaybe& call) {
    begin(Type::CallMeMaybe);
    for (const Endpoint& at : call.endpoints) write_endpoint(to_, at);
  }
  void operator()(const BindRelay& bind) { write_bind(Type::BindRelay, bind); }
  void operator()(const BindRelayChallenge& bind) { write_bind(Type::BindRelayChallenge, bind); }
  void operator()(const BindRelayAnswer& bind) { write_bind(Type::BindRelayAnswer, bind); }
  void operator()(const CallMeMaybeVia& via) {
    begin(Type::CallMeMaybeVia);
    write_relay_endpoint(to_, via.relay);
  }
  void operator()(const AllocateRelayRequest& request) {
    begin(Type::AllocateRelayRequest);
    for (const DiscoPublicKey& client : request.clients) to_.bytes(client.bytes());
    to_.u32be(request.generation);
  }
  void operator()(const AllocateRelayResponse& response) {
    begin(Type::AllocateRelayResponse);
    to_.u32be(response.generation);
    write_relay_endpoint(to_, response.relay);
  }

 private:
  void begin(Type type) {
    to_.u8(static_cast<std::uint8_t>(type));
    to_.u8(0);  // version
  }
  void write_bind(Type type, const RelayBindFields& bind) {
    begin(type);
    to_.u32be(bind.vni);
    to_.u32be(bind.generation);
    to_.bytes(bind.remote_key.bytes());
    to_.bytes(bind.challenge);
  }

  Writer& to_;
};

}  // namespace

Parsed parse(Bytes payload) {
  Reader in(payload);
  const Type type{in.u8()};
  const bool known_version = in.u8() == 0;
  if (in.failed()) return ParseError::Truncated;
  switch (type) {
    case Type::Ping:
      return parse_ping(in);
    case Type::Pong:
      return parse_pong(in);
    case Type::BindRelay:
      return parse_bind<BindRelay>(in);
    case Type::BindRelayChallenge:
      return parse_bind<BindRelayChallenge>(in);
    case Type::BindRelayAnswer:
      return parse_bind<BindRelayAnswer>(in);
    case Type::CallMeMaybe:
      return known_version ? parse_call_me_maybe(in) : Message(CallMeMaybe{});
    case Type::CallMeMaybeVia:
      return known_version ? parse_call_me_maybe_via(in) : Message(CallMeMaybeVia{});
    case Type::AllocateRelayRequest:
      return known_version ? parse_allocate_request(in) : Message(AllocateRelayRequest{});
    case Type::AllocateRelayResponse:
      return known_version ? parse_allocate_response(in) : Message(AllocateRelayResponse{});
  }
  return ParseError::BadType;
}

void write(const Message& message, Buffer& out) {
  Writer to(out);
  std::visit(BodyWriter(to), message);
}

}  // namespace aya::disco
