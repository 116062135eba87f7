// The text of the cross-platform interface, key by key, as `wg` writes and reads it.
#include "daemon/plain/uapi.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "proto/base/hex.h"

namespace aya::plain {
namespace {

const std::string kKeyA(64, 'a'), kKeyB(64, 'b'), kZero(64, '0');

crypto::Key32 key_of(const std::string& text) {
  crypto::Key32 key;
  EXPECT_TRUE(parse_hex_into(text, key.mutable_bytes()));
  return key;
}
NodePublicKey public_of(const std::string& text) { return NodePublicKey(key_of(text).bytes()); }

// 0, or the errno.
int error_of(const std::string& lines) {
  const auto edit = parse_set("set=1\n" + lines + "\n");
  return edit ? 0 : edit.error();
}
DeviceEdit set(const std::string& lines) {
  const auto edit = parse_set("set=1\n" + lines + "\n");
  EXPECT_TRUE(edit) << lines;
  return edit ? *edit : DeviceEdit{};
}
PeerEdit peer(const std::string& lines) {
  const DeviceEdit edit = set("public_key=" + kKeyA + "\n" + lines);
  EXPECT_EQ(edit.peers.size(), 1u);
  return edit.peers.empty() ? PeerEdit{} : edit.peers[0];
}

TEST(Uapi, AnOperationIsItsFirstLine) {
  EXPECT_EQ(operation_of("get=1\n\n"), Operation::Get);
  EXPECT_EQ(operation_of("set=1\nlisten_port=1\n\n"), Operation::Set);
  for (const char* other : {"", "\n", "get=2\n\n", "get=1x\n\n", " get=1\n\n", "\nget=1\n"}) {
    EXPECT_EQ(operation_of(other), std::nullopt) << other;
  }
}

TEST(Uapi, EveryKeyOfADevice) {
  const DeviceEdit nothing = set("");
  EXPECT_FALSE(nothing.private_key || nothing.listen_port || nothing.fwmark);
  EXPECT_FALSE(nothing.replace_peers);
  EXPECT_TRUE(nothing.peers.empty());

  const DeviceEdit all =
      set("private_key=" + kKeyB + "\nlisten_port=51820\nfwmark=51820\nreplace_peers=true\n");
  EXPECT_EQ(to_hex(all.private_key->secret().bytes()), kKeyB);
  EXPECT_EQ(all.listen_port, 51820);
  EXPECT_EQ(all.fwmark, 51820u);
  EXPECT_TRUE(all.replace_peers);

  EXPECT_TRUE(set("private_key=" + kZero + "\n").private_key->is_zero());
  EXPECT_EQ(set("listen_port=0\n").listen_port, 0);
  EXPECT_EQ(set("fwmark=\n").fwmark, 0u);
  EXPECT_EQ(set("fwmark=4294967295\n").fwmark, 4294967295u);
}

TEST(Uapi, EveryKeyOfAPeer) {
  const PeerEdit bare = peer("");
  EXPECT_EQ(bare.public_key, public_of(kKeyA));
  EXPECT_FALSE(bare.remove || bare.update_only || bare.replace_allowed_ips);
  EXPECT_FALSE(bare.preshared_key || bare.endpoint || bare.keepalive_seconds);

  const PeerEdit all = peer(
      "update_only=true\npreshared_key=" + kKeyB +
      "\nendpoint=[2001:db8::1]:51820\npersistent_keepalive_interval=25\n"
      "replace_allowed_ips=true\nallowed_ip=10.1.2.3/8\nallowed_ip=fd00::/64\n"
      "allowed_ip=-192.168.0.0/16\nallowed_ip=10.9.9.9\nprotocol_version=1\n");
  EXPECT_TRUE(all.update_only);
  EXPECT_EQ(to_hex(all.preshared_key->bytes()), kKeyB);
  EXPECT_EQ(all.endpoint, Endpoint::parse("[2001:db8::1]:51820"));
  EXPECT_EQ(all.keepalive_seconds, 25);
  EXPECT_TRUE(all.replace_allowed_ips);
  const std::vector<AllowedIpEdit> edits = {
      {*Prefix::parse("10.0.0.0/8"), false},  // masked
      {*Prefix::parse("fd00::/64"), false},
      {*Prefix::parse("192.168.0.0/16"), true},
      {*Prefix::parse("10.9.9.9/32"), false}};
  EXPECT_EQ(all.allowed_ips, edits);

  EXPECT_TRUE(peer("remove=true\n").remove);
  EXPECT_TRUE(peer("preshared_key=" + kZero + "\n").preshared_key->is_zero());
  EXPECT_EQ(peer("persistent_keepalive_interval=0\n").keepalive_seconds, 0);
}

TEST(Uapi, FieldsBelongToThePeerBeforeThem) {
  const DeviceEdit edit = set(
      "public_key=" + kKeyA + "\nallowed_ip=10.0.0.0/8\npublic_key=" + kKeyB + "\nremove=true\n");
  ASSERT_EQ(edit.peers.size(), 2u);
  EXPECT_EQ(edit.peers[0].allowed_ips.size(), 1u);
  EXPECT_FALSE(edit.peers[0].remove);
  EXPECT_EQ(edit.peers[1].public_key, public_of(kKeyB));
  EXPECT_TRUE(edit.peers[1].remove);
}

TEST(Uapi, BadValuesAreInvalid) {
  for (const std::string& line :
       {"private_key=" + kKeyA.substr(1), "private_key=" + kKeyA + "a",
        "private_key=g" + kKeyA.substr(1), std::string("private_key="),
        std::string("listen_port=65536"), std::string("listen_port=-1"),
        std::string("listen_port="), std::string("listen_port=1 "),
        std::string("fwmark=4294967296"), std::string("fwmark=x"),
        std::string("replace_peers=false"), std::string("replace_peers="),
        std::string("public_key=ab")}) {
    EXPECT_EQ(error_of(line + "\n"), EINVAL) << line;
  }
  for (const char* line :
       {"remove=false", "update_only=1", "preshared_key=00", "endpoint=10.0.0.1", "endpoint=host:1",
        "endpoint=10.0.0.1:65536", "persistent_keepalive_interval=65536",
        "persistent_keepalive_interval=off", "replace_allowed_ips=no", "allowed_ip=10.0.0.0/33",
        "allowed_ip=", "allowed_ip=-", "allowed_ip=--10.0.0.0/8", "allowed_ip=fd00::/129",
        "protocol_version=2"}) {
    EXPECT_EQ(error_of("public_key=" + kKeyA + "\n" + line + "\n"), EINVAL) << line;
  }
}

TEST(Uapi, LinesThatAreNoneAndFieldsInTheWrongPlaceAreRefused) {
  EXPECT_EQ(error_of("listen_port\n"), EPROTO);
  EXPECT_EQ(error_of("color=red\n"), EPROTO);
  EXPECT_EQ(error_of("allowed_ip=10.0.0.0/8\n"), EPROTO);
  EXPECT_EQ(error_of("public_key=" + kKeyA + "\nlisten_port=1\n"), EPROTO);
}

TEST(Uapi, NothingBehindTheEmptyLineIsRead) {
  const auto edit = parse_set("set=1\nlisten_port=1\n\nlisten_port=2\n\n");
  EXPECT_EQ(edit->listen_port, 1);
}

TEST(Uapi, ADeviceIsPrintedAsToolsReadIt) {
  DeviceView device;
  device.private_key = NodePrivateKey(key_of(kKeyB));
  device.listen_port = 51820;
  device.fwmark = 7;
  PeerView& one = device.peers.emplace_back();
  one.public_key = public_of(kKeyA);
  one.preshared_key = key_of(kKeyB);
  one.endpoint = Endpoint::parse("[2001:db8::1]:1");
  one.last_handshake = WallTime(1767225600s + 5ns);
  one.tx_bytes = 18446744073709551615u;
  one.rx_bytes = 2;
  one.keepalive_seconds = 25;
  one.allowed_ips = {*Prefix::parse("10.0.0.0/8"), *Prefix::parse("fd00::/64")};
  EXPECT_EQ(
      print(device),
      "private_key=" + kKeyB + "\nlisten_port=51820\nfwmark=7\npublic_key=" + kKeyA +
          "\npreshared_key=" + kKeyB +
          "\nprotocol_version=1\nendpoint=[2001:db8::1]:1\n"
          "last_handshake_time_sec=1767225600\nlast_handshake_time_nsec=5\n"
          "tx_bytes=18446744073709551615\nrx_bytes=2\npersistent_keepalive_interval=25\n"
          "allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n");
  EXPECT_EQ(print({}), "");
  EXPECT_EQ(print_errno(0), "errno=0\n\n");
  EXPECT_EQ(print_errno(EINVAL), "errno=-22\n\n");
}

TEST(Uapi, APeerNeverHeardFromHasNoHandshakeAndNoEndpoint) {
  DeviceView device;
  device.peers.emplace_back().public_key = public_of(kKeyA);
  EXPECT_EQ(
      print(device), "public_key=" + kKeyA + "\npreshared_key=" + kZero +
                         "\nprotocol_version=1\nlast_handshake_time_sec=0\n"
                         "last_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n"
                         "persistent_keepalive_interval=0\n");
}

}  // namespace
}  // namespace aya::plain
