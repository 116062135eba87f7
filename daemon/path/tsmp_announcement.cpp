#include "daemon/path/tsmp_announcement.h"

#include "proto/base/check.h"
#include "proto/base/reader.h"
#include "proto/base/writer.h"

namespace aya::path {
namespace {

constexpr std::uint8_t kTsmp = 99;
constexpr std::uint8_t kDiscoKeyType = 'a';
constexpr std::uint8_t kHopLimit = 64;
constexpr std::size_t kPayloadSize = 1 + DiscoPublicKey::kSize;
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kIpv6HeaderSize = 40;

std::uint16_t header_checksum(Bytes header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < header.size(); i += 2) {
    sum += load_be<std::uint16_t>(header.data() + i);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void write_ipv4_header(const IpAddress& from, const IpAddress& to, Buffer& out) {
  const std::size_t start = out.size();
  Writer header(out);
  header.u8(0x45);
  header.u8(0);
  header.u16be(kIpv4HeaderSize + kPayloadSize);
  header.u32be(0);  // identification, flags, fragment offset
  header.u8(kHopLimit);
  header.u8(kTsmp);
  header.u16be(0);
  header.bytes(from.bytes());
  header.bytes(to.bytes());
  store_be(out.data() + start + 10, header_checksum(Bytes(out).subspan(start)));
}

void write_ipv6_header(const IpAddress& from, const IpAddress& to, Buffer& out) {
  Writer header(out);
  header.u32be(6u << 28);
  header.u16be(kPayloadSize);
  header.u8(kTsmp);
  header.u8(kHopLimit);
  header.bytes(from.bytes());
  header.bytes(to.bytes());
}

// What follows the IP header if the protocol is TSMP; empty otherwise. Fragments are not looked at.
Bytes tsmp_payload(Bytes packet) {
  if (packet.empty()) return {};
  const auto first = std::to_integer<unsigned>(packet[0]);
  if (first >> 4 == 4) {
    const std::size_t header = (first & 0xf) * 4u;
    if (header < kIpv4HeaderSize || packet.size() < header) return {};
    const bool fragment = (load_be<std::uint16_t>(packet.data() + 6) & 0x3fff) != 0;
    if (std::to_integer<std::uint8_t>(packet[9]) != kTsmp || fragment) return {};
    return packet.subspan(header);
  }
  if (first >> 4 != 6 || packet.size() < kIpv6HeaderSize) return {};
  if (std::to_integer<std::uint8_t>(packet[6]) != kTsmp) return {};
  return packet.subspan(kIpv6HeaderSize);
}

}  // namespace

void write_announcement(
    const IpAddress& from, const IpAddress& to, const DiscoPublicKey& key, Buffer& out) {
  AYA_CHECK(from.is_v4() == to.is_v4());
  from.is_v4() ? write_ipv4_header(from, to, out) : write_ipv6_header(from, to, out);
  Writer payload(out);
  payload.u8(kDiscoKeyType);
  payload.bytes(key.bytes());
}

std::optional<DiscoPublicKey> parse_announcement(Bytes ip_packet) {
  Reader in(tsmp_payload(ip_packet));
  if (in.u8() != kDiscoKeyType) return std::nullopt;
  const auto raw = in.array<DiscoPublicKey::kSize>();
  if (in.failed()) return std::nullopt;
  const DiscoPublicKey key(raw);
  if (key.is_zero()) return std::nullopt;
  return key;
}

}  // namespace aya::path
