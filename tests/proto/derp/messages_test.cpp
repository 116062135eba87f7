#include "proto/derp/messages.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "proto/base/time.h"
#include "proto/derp/hello.h"
#include "tests/support/test_vectors.h"

namespace aya::derp {
namespace {

using test::hex;
using test::Json;
using test::vector_cases;

NodePublicKey node_key(const Json& text) {
  return NodePublicKey(std::span<const std::byte, 32>(hex(text).data(), 32));
}

Buffer packet_of(const Json& c) {
  const Json& fields = c.at("fields");
  if (!c.contains("packet_pattern")) return hex(fields.at("packet"));
  Json spec = c.at("packet_pattern");
  spec["len"] = fields.at("packet_len");
  return test::pattern(spec);
}

PingData ping_data(const Json& text) {
  PingData out{};
  copy_bytes(out, hex(text));
  return out;
}

Result<void, ParseError> write_packet_frame(const Json& c, Buffer& out) {
  const Json& fields = c.at("fields");
  const bool known = fields.contains("packet") || c.contains("packet_pattern");
  const Buffer packet = known ? packet_of(c) : Buffer(fields.at("packet_len").get<std::size_t>());
  const NodePublicKey to = node_key(fields.at("destination"));
  if (c.at("type") == "SendPacket") return write_send_packet(to, packet, out);
  return write_forward_packet(node_key(fields.at("source")), to, packet, out);
}

Result<void, ParseError> write_client_frame(const Json& c, Buffer& out) {
  const std::string type = c.at("type");
  const Json& fields = c.at("fields");
  if (type == "SendPacket" || type == "ForwardPacket") return write_packet_frame(c, out);
  if (type == "NotePreferred") {
    write_note_preferred(fields.at("preferred"), out);
  } else if (type == "WatchConns") {
    write_watch_conns(out);
  } else if (type == "ClosePeer") {
    write_close_peer(node_key(fields.at("target")), out);
  } else if (type == "Ping") {
    write_ping(ping_data(fields.at("data")), out);
  } else if (type == "Pong") {
    write_pong(ping_data(fields.at("data")), out);
  } else {
    ADD_FAILURE() << "unknown type " << type;
  }
  return {};
}

TEST(DerpVectors, ClientFramesAreWrittenByteForByte) {
  for (const Json& c : vector_cases("wire", "derp.json", "client_frame")) {
    if (c.at("type") == "ClientInfo") continue;  // hello_test
    SCOPED_TRACE(c.at("name").get<std::string>());
    Buffer frame;
    const auto written = write_client_frame(c, frame);
    EXPECT_EQ(written.has_value(), !c.contains("error"));
    if (!written) {
      EXPECT_EQ(written.error(), ParseError::TooLarge);
      EXPECT_TRUE(frame.empty());
    } else if (c.contains("frame")) {
      EXPECT_EQ(to_hex(frame), c.at("frame"));
    } else {
      const Buffer prefix = hex(c.at("frame_prefix"));
      EXPECT_EQ(frame.size(), c.at("frame_len").get<std::size_t>());
      ASSERT_GE(frame.size(), prefix.size());
      EXPECT_EQ(to_hex(Bytes(frame).first(prefix.size())), c.at("frame_prefix"));
    }
  }
}

TEST(DerpVectors, ServerFramesAreWrittenByteForByte) {
  for (const Json& c : vector_cases("wire", "derp.json", "server_frame")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const std::string type = c.at("type");
    const Json& fields = c.at("fields");
    Buffer frame;
    if (type == "ServerKey") {
      write_server_key(RelayPublicKey(node_key(fields.at("server_public")).bytes()), frame);
    } else if (type == "KeepAlive") {
      write_keep_alive(frame);
    } else if (type == "Pong") {
      write_pong(ping_data(fields.at("data")), frame);
    } else if (type == "PeerGone") {
      write_peer_gone(node_key(fields.at("peer")), fields.at("reason"), frame);
    } else if (type == "PeerPresent") {
      const auto at = Endpoint::parse(fields.at("addr").get<std::string>());
      write_peer_present(node_key(fields.at("peer")), *at, fields.at("flags"), frame);
    } else if (type == "RecvPacket") {
      ASSERT_TRUE(
          write_recv_packet(node_key(fields.at("source")), hex(fields.at("packet")), frame));
    } else {
      EXPECT_EQ(type, "ServerInfo");  // hello_test
      continue;
    }
    EXPECT_EQ(to_hex(frame), c.at("frame"));
  }
}

// What a client makes of a stream, in the terms of the vectors.
struct ClientView {
  NodePrivateKey self;
  RelayPublicKey relay;
  Json messages = Json::array();
  bool failed = false;

  void take(FrameType type, Bytes payload) {
    if (type == FrameType::ServerInfo) {
      const auto info = open_server_info(self, relay, payload);
      failed = !info;
      if (!info) return;
      messages.push_back(
          {{"type", "ServerInfo"},
           {"TokenBucketBytesPerSecond", info->token_bucket_bytes_per_second},
           {"TokenBucketBytesBurst", info->token_bucket_bytes_burst}});
    } else if (const auto message = parse_from_relay(type, payload)) {
      std::visit([this](const auto& m) { messages.push_back(to_json(m)); }, *message);
    }
  }

  static Json to_json(const RecvPacket& m) {
    return {
        {"type", "RecvPacket"}, {"source", to_hex(m.source.bytes())}, {"packet", to_hex(m.packet)}};
  }
  static Json to_json(const KeepAlive&) { return {{"type", "KeepAlive"}}; }
  static Json to_json(const PeerGone& m) {
    return {{"type", "PeerGone"}, {"peer", to_hex(m.peer.bytes())}, {"reason", m.reason}};
  }
  static Json to_json(const PeerPresent& m) {
    Json out = {{"type", "PeerPresent"}, {"peer", to_hex(m.peer.bytes())}, {"flags", m.flags}};
    out["addr"] = m.at ? Json(m.at->to_text()) : Json();
    return out;
  }
  static Json to_json(const Ping& m) { return {{"type", "Ping"}, {"data", to_hex(m.data)}}; }
  static Json to_json(const Pong& m) { return {{"type", "Pong"}, {"data", to_hex(m.data)}}; }
  static Json to_json(const Health& m) { return {{"type", "Health"}, {"problem", m.problem}}; }
  static Json to_json(const Restarting& m) {
    return {
        {"type", "Restarting"},
        {"reconnect_in_ms", m.reconnect_in.count()},
        {"try_for_ms", m.try_for.count()}};
  }
};

TEST(DerpVectors, AClientReadsWhatTheReferenceReads) {
  for (const Json& c : vector_cases("wire", "derp.json", "client_recv")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer secret = hex(c.at("client_private"));
    ClientView view{
        NodePrivateKey(crypto::Key32(std::span<const std::byte, 32>(secret.data(), 32))),
        RelayPublicKey(node_key(c.at("server_public")).bytes())};
    const Buffer stream = hex(c.at("input"));
    Bytes input = stream;
    FrameReader reader;
    for (auto step = reader.step(input); step != FrameReader::Step::NeedMore && !view.failed;
         step = reader.step(input)) {
      if (step == FrameReader::Step::Frame) {
        view.take(reader.header().type, reader.payload());
      } else if (reader.header().length > kMaxClientFrame) {
        view.failed = true;
      }
    }
    EXPECT_EQ(view.failed ? "error" : "eof", c.at("end"));
    EXPECT_EQ(view.messages, c.at("messages"));
  }
}

TEST(DerpMessages, APacketOfTheLargestSizeIsReadBack) {
  const Buffer packet(kMaxPacket, std::byte{7});
  const NodePublicKey to(std::span<const std::byte, 32>(packet.data(), 32));
  Buffer frame;
  ASSERT_TRUE(write_send_packet(to, packet, frame));
  const auto sent = parse_send_packet(Bytes(frame).subspan(kFrameHeaderSize));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->destination, to);
  EXPECT_TRUE(equal_bytes(sent->packet, packet));
  frame.push_back(std::byte{1});
  const auto longer = parse_send_packet(Bytes(frame).subspan(kFrameHeaderSize));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error(), ParseError::TooLarge);
}

TEST(DerpMessages, RestartingIsReadBack) {
  Buffer frame;
  write_restarting({.reconnect_in = 1500ms, .try_for = 4000ms}, frame);
  EXPECT_EQ(to_hex(frame), "1500000008000005dc00000fa0");
}

}  // namespace
}  // namespace aya::derp
