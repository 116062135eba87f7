#include "proto/stun/binding.h"

#include "proto/base/reader.h"
#include "proto/base/writer.h"

namespace aya::stun {
namespace {

constexpr std::size_t kHeaderSize = 20;
constexpr std::uint32_t kCookie = 0x2112a442;
constexpr std::uint16_t kBindingRequest = 0x0001;
constexpr std::uint16_t kBindingSuccess = 0x0101;
constexpr std::uint32_t kFingerprintXor = 0x5354554e;
constexpr std::size_t kFingerprintSize = 4 + 4;
// Deployed servers answer this software only.
constexpr std::string_view kSoftware = "tailnode";

enum Attribute : std::uint16_t {
  kMappedAddress = 0x0001,
  kXorMappedAddress = 0x0020,
  kXorMappedAddressOptional = 0x8020,  // same meaning; some servers use the optional number
  kSoftwareAttribute = 0x8022,
  kFingerprint = 0x8028,
};

enum Family : std::uint8_t { kIpv4 = 1, kIpv6 = 2 };

std::uint32_t crc32(Bytes input) {  // IEEE 802.3, reflected: 40 bytes at a time need no table
  std::uint32_t crc = 0xffffffff;
  for (const std::byte b : input) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

std::uint32_t fingerprint_of(Bytes before) { return crc32(before) ^ kFingerprintXor; }

void write_header(Writer& to, std::uint16_t type, std::size_t length, const TxId& tx_id) {
  to.u16be(type);
  to.u16be(static_cast<std::uint16_t>(length));
  to.u32be(kCookie);
  to.bytes(tx_id);
}

struct AttributeView {
  std::uint16_t type = 0;
  Bytes value;
};

// The next attribute with its padding to four bytes; a failed reader means that it was cut short.
AttributeView next_attribute(Reader& in) {
  AttributeView out;
  out.type = in.u16be();
  const std::size_t length = in.u16be();
  out.value = in.bytes(length);
  in.skip((4 - length % 4) % 4);
  return out;
}

// The mask is cookie || transaction id for the XOR form, zeros for the plain one.
std::optional<Endpoint> read_address(Bytes value, const std::array<std::byte, 16>& mask) {
  Reader in(value);
  in.skip(1);
  const std::uint8_t family = in.u8();
  const std::uint16_t port = in.u16be() ^ load_be<std::uint16_t>(mask.data());
  std::array<std::byte, 16> raw{};
  const std::size_t size = family == kIpv4 ? 4 : family == kIpv6 ? 16 : 0;
  in.copy_into(MutableBytes(raw).first(size));
  if (in.failed() || size == 0) return std::nullopt;
  for (std::size_t i = 0; i < size; ++i) raw[i] ^= mask[i];
  if (size == 4) return Endpoint{IpAddress::v4(std::span(raw).first<4>()), port};
  // Servers on a dual-stack socket report IPv4 clients as mapped IPv6: the same address to us.
  return Endpoint{IpAddress::from_mapped_16(raw), port};
}

std::array<std::byte, 16> xor_mask(const TxId& tx_id) {
  std::array<std::byte, 16> mask;
  store_be(mask.data(), kCookie);
  copy_bytes(MutableBytes(mask).subspan(4), tx_id);
  return mask;
}

TxId tx_id_of(Bytes datagram) {
  TxId out;
  copy_bytes(out, datagram.subspan(8, out.size()));
  return out;
}

}  // namespace

bool is_stun(Bytes datagram) {
  return datagram.size() >= kHeaderSize && (datagram[0] & std::byte{0xc0}) == std::byte{0} &&
         load_be<std::uint32_t>(datagram.data() + 4) == kCookie;
}

std::array<std::byte, kRequestSize> make_request(const TxId& tx_id) {
  Buffer text;
  text.reserve(kRequestSize);
  Writer to(text);
  write_header(to, kBindingRequest, kRequestSize - kHeaderSize, tx_id);
  to.u16be(kSoftwareAttribute);
  to.u16be(kSoftware.size());
  to.text(kSoftware);
  const std::uint32_t fingerprint = fingerprint_of(text);
  to.u16be(kFingerprint);
  to.u16be(4);
  to.u32be(fingerprint);
  std::array<std::byte, kRequestSize> out;
  AYA_CHECK(text.size() == out.size());
  copy_bytes(out, text);
  return out;
}

Result<TxId, ParseError> parse_request(Bytes datagram) {
  if (!is_stun(datagram)) return ParseError::BadMagic;
  if (load_be<std::uint16_t>(datagram.data()) != kBindingRequest) return ParseError::BadType;
  bool ours = false;
  AttributeView last;
  // Deployed servers walk what was received and do not look at the length field.
  Reader in(datagram.subspan(kHeaderSize));
  while (in.remaining() > 0) {
    last = next_attribute(in);
    if (in.failed()) return ParseError::Truncated;
    ours |= last.type == kSoftwareAttribute && as_text(last.value) == kSoftware;
  }
  if (!ours || last.type != kFingerprint || last.value.size() != 4) return ParseError::BadValue;
  if (load_be<std::uint32_t>(last.value.data()) !=
      fingerprint_of(datagram.first(datagram.size() - kFingerprintSize))) {
    return ParseError::BadSeal;
  }
  return tx_id_of(datagram);
}

Result<Response, ParseError> parse_response(Bytes datagram) {
  if (!is_stun(datagram)) return ParseError::BadMagic;
  if (load_be<std::uint16_t>(datagram.data()) != kBindingSuccess) return ParseError::BadType;
  const Bytes attributes = datagram.subspan(kHeaderSize);
  const std::size_t length = load_be<std::uint16_t>(datagram.data() + 2);
  if (length > attributes.size()) return ParseError::Truncated;

  Response out{tx_id_of(datagram), {}};
  std::optional<Endpoint> xored, plain;
  Reader in(attributes.first(length));
  while (in.remaining() > 0) {
    const AttributeView attribute = next_attribute(in);
    if (in.failed()) return ParseError::Truncated;
    if (attribute.type == kXorMappedAddress || attribute.type == kXorMappedAddressOptional) {
      xored = read_address(attribute.value, xor_mask(out.tx_id));  // the last one counts
      if (!xored) return ParseError::BadValue;
    } else if (attribute.type == kMappedAddress) {
      plain = read_address(attribute.value, {});
      if (!plain) return ParseError::BadValue;
    }
  }
  if (!xored && !plain) return ParseError::BadValue;
  out.mapped = xored ? *xored : *plain;
  return out;
}

void write_response(const TxId& tx_id, const Endpoint& client, Buffer& out) {
  const IpAddress address = IpAddress::from_mapped_16(client.address.to_mapped_16());
  const std::size_t size = address.bytes().size();
  const auto mask = xor_mask(tx_id);
  Writer to(out);
  write_header(to, kBindingSuccess, 4 + 4 + size, tx_id);
  to.u16be(kXorMappedAddress);
  to.u16be(static_cast<std::uint16_t>(4 + size));
  to.u8(0);
  to.u8(address.is_v4() ? kIpv4 : kIpv6);
  to.u16be(client.port ^ load_be<std::uint16_t>(mask.data()));
  for (std::size_t i = 0; i < size; ++i) {
    to.u8(std::to_integer<std::uint8_t>(address.bytes()[i] ^ mask[i]));
  }
}

}  // namespace aya::stun
