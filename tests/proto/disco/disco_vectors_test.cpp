// Every case of wire/disco.json: messages both ways, malformed payloads, envelopes, Geneve.
#include <gtest/gtest.h>

#include "proto/disco/envelope.h"
#include "proto/disco/geneve.h"
#include "proto/disco/messages.h"
#include "proto/keys/private_key.h"
#include "tests/support/test_vectors.h"

namespace aya::disco {
namespace {

using test::hex;
using test::Json;
using test::vector_cases;

std::vector<Json> cases(std::string_view kind) { return vector_cases("wire", "disco.json", kind); }

template <std::size_t N>
std::array<std::byte, N> fixed(const Json& text) {
  const Buffer bytes = hex(text);
  EXPECT_EQ(bytes.size(), N);
  std::array<std::byte, N> out{};
  if (bytes.size() == N) copy_bytes(out, bytes);
  return out;
}

DiscoPublicKey disco_key(const Json& text) { return DiscoPublicKey(fixed<32>(text)); }

Endpoint endpoint(const Json& text) {
  const auto parsed = Endpoint::parse(text.get<std::string>());
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Endpoint{});
}

std::vector<Endpoint> endpoints(const Json& list) {
  std::vector<Endpoint> out;
  for (const Json& text : list) out.push_back(endpoint(text));
  return out;
}

std::array<DiscoPublicKey, 2> client_pair(const Json& m) {
  return {disco_key(m.at("client_disco").at(0)), disco_key(m.at("client_disco").at(1))};
}

template <class Bind>
Bind bind_fields(const Json& m) {
  Bind out;
  out.vni = m.at("vni");
  out.generation = m.at("generation");
  out.remote_key = disco_key(m.at("remote_key"));
  out.challenge = fixed<32>(m.at("challenge"));
  return out;
}

RelayEndpoint relay_endpoint(const Json& m) {
  return {
      disco_key(m.at("server_disco")),
      client_pair(m),
      test::u64(m.at("lamport_id")),
      m.at("vni"),
      std::chrono::nanoseconds(test::u64(m.at("bind_lifetime_ns"))),
      std::chrono::nanoseconds(test::u64(m.at("steady_state_lifetime_ns"))),
      endpoints(m.at("addr_ports"))};
}

Message from_json(const Json& m) {
  const std::string type = m.at("type");
  if (type == "Ping") {
    Ping ping{fixed<12>(m.at("tx_id")), {}, m.at("padding")};
    if (!m.at("node_key").is_null()) ping.node_key = NodePublicKey(fixed<32>(m.at("node_key")));
    return ping;
  }
  if (type == "Pong") return Pong{fixed<12>(m.at("tx_id")), endpoint(m.at("src"))};
  if (type == "CallMeMaybe") return CallMeMaybe{endpoints(m.at("my_number"))};
  if (type == "BindUDPRelayEndpoint") return bind_fields<BindRelay>(m);
  if (type == "BindUDPRelayEndpointChallenge") return bind_fields<BindRelayChallenge>(m);
  if (type == "BindUDPRelayEndpointAnswer") return bind_fields<BindRelayAnswer>(m);
  if (type == "CallMeMaybeVia") return CallMeMaybeVia{relay_endpoint(m)};
  if (type == "AllocateUDPRelayEndpointRequest") {
    return AllocateRelayRequest{client_pair(m), m.at("generation")};
  }
  EXPECT_EQ(type, "AllocateUDPRelayEndpointResponse");
  return AllocateRelayResponse{m.at("generation"), relay_endpoint(m)};
}

// The keys and the nonce that all cases of a file share.
struct Keys {
  DiscoPublicKey sender, receiver;
  crypto::Key32 shared, receiver_private;
  crypto::BoxNonce nonce;

  Keys() {
    const Json c = cases("keys").at(0);
    sender = disco_key(c.at("sender_public"));
    receiver = disco_key(c.at("receiver_public"));
    nonce = fixed<24>(c.at("nonce"));
    const crypto::Key32 mine(fixed<32>(c.at("sender_private")));
    const crypto::Key32 theirs(fixed<32>(c.at("receiver_private")));
    receiver_private = theirs;
    shared = *crypto::box_shared_key(mine, receiver.bytes());
    EXPECT_TRUE(
        equal_bytes(shared.bytes(), crypto::box_shared_key(theirs, sender.bytes())->bytes()));
    EXPECT_EQ(PrivateKey<DiscoRole>(mine).public_key(), sender);
    EXPECT_EQ(PrivateKey<DiscoRole>(theirs).public_key(), receiver);
  }
};

class FixedRng final : public Rng {
 public:
  explicit FixedRng(Bytes bytes) : bytes_(bytes) {}
  void fill(MutableBytes out) override { copy_bytes(out, bytes_.first(out.size())); }

 private:
  Bytes bytes_;
};

Buffer sealed(const Keys& keys, Bytes payload) {
  FixedRng rng(keys.nonce);
  Buffer out;
  seal(keys.sender, keys.shared, payload, rng, out);
  return out;
}

TEST(DiscoVectors, MessagesAreWrittenAndReadByteForByte) {
  const Keys keys;
  for (const Json& c : cases("message")) {
    SCOPED_TRACE(c.at("name"));
    const Message message = from_json(c.at("message"));
    Buffer payload;
    write(message, payload);
    EXPECT_EQ(payload, hex(c.at("plaintext")));
    const Buffer packet = sealed(keys, payload);
    EXPECT_EQ(packet, hex(c.at("packet")));
    EXPECT_EQ(packet.size(), c.at("packet_len"));

    const auto opened = open(keys.shared, packet);
    ASSERT_TRUE(opened);
    const auto parsed = parse(*opened);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, message);
  }
}

TEST(DiscoVectors, PayloadsParseAsDeployedNodesParseThem) {
  for (const Json& c : cases("parse")) {
    SCOPED_TRACE(c.at("name"));
    const auto parsed = parse(hex(c.at("plaintext")));
    ASSERT_EQ(parsed.has_value(), c.at("ok").get<bool>());
    if (parsed) {
      EXPECT_EQ(*parsed, from_json(c.at("message")));
    }
  }
}

TEST(DiscoVectors, EnvelopesOpenOnlyWhenWhole) {
  const Keys keys;
  for (const Json& c : cases("packet")) {
    SCOPED_TRACE(c.at("name"));
    const Buffer packet = hex(c.at("packet"));
    const std::string result = c.at("result");
    const auto sender = sender_of(packet);
    ASSERT_EQ(sender.has_value(), c.at("looks_like_disco_wrapper").get<bool>());
    if (!sender) {
      const auto opened = open(keys.shared, packet);
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error(), ParseError::BadMagic);
      continue;
    }
    EXPECT_EQ(*sender, disco_key(c.at("sender")));
    const auto shared = crypto::box_shared_key(keys.receiver_private, sender->bytes());
    ASSERT_TRUE(shared);
    const auto opened = open(*shared, packet);
    if (result == "box does not open") {
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error(), ParseError::BadSeal);
      continue;
    }
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, hex(c.at("plaintext")));
    const auto parsed = parse(*opened);
    ASSERT_EQ(parsed.has_value(), result == "ok");
    if (parsed) {
      EXPECT_EQ(*parsed, from_json(c.at("message")));
    }
  }
}

TEST(DiscoVectors, GeneveHeadersAreWrittenAndRead) {
  for (const Json& c : cases("geneve")) {
    SCOPED_TRACE(c.at("name"));
    const GeneveHeader header{c.at("control"), c.at("protocol"), c.at("vni")};
    Buffer written;
    write_geneve(header, written);
    EXPECT_EQ(written, hex(c.at("header")));
    EXPECT_EQ(parse_geneve(written), header);
    if (c.contains("packet") && c.at("packet").is_string()) {
      EXPECT_EQ(parse_geneve(hex(c.at("packet"))), header);
    }
  }
}

TEST(Disco, RefusesGeneveHeadersItWouldMisread) {
  for (const std::string_view text :
       {"00007a12000007", "40007a1200000700", "00017a1200000700", "00007a1200000701"}) {
    EXPECT_FALSE(parse_geneve(hex(text))) << text;
  }
}

}  // namespace
}  // namespace aya::disco
