#include "daemon/dns/dns_message.h"

#include <algorithm>

#include "proto/base/endian.h"
#include "proto/base/reader.h"
#include "proto/base/writer.h"

namespace aya::dns {
namespace {

constexpr std::size_t kLongestName = 254;  // as text with the final dot; 255 octets on the wire
constexpr std::size_t kLongestLabel = 63;
constexpr unsigned kMostPointers = 10;  // in one name: a message has no need of more
constexpr std::size_t kFlagsOffset = 2;
constexpr std::size_t kAnswersOffset = 6;
constexpr std::size_t kAuthoritiesOffset = 8;

// Flags of a query that its response repeats: opcode, TC, RD, RA, AD, CD.
constexpr std::uint16_t kRepeatedFlags = 0x7800 | 0x0200 | 0x0100 | 0x0080 | 0x0020 | 0x0010;

std::uint16_t response_flags(std::uint16_t query_flags, Rcode rcode) {
  unsigned flags = Header::kResponse | Header::kAuthoritative | (query_flags & kRepeatedFlags);
  if ((query_flags & Header::kRecursionDesired) != 0) flags |= Header::kRecursionAvailable;
  return static_cast<std::uint16_t>(flags | static_cast<unsigned>(rcode));
}

// Names come from parse_query(), or passed is_wire_name().
void write_name(std::string_view text, Buffer& out) {
  Writer to(out);
  while (!text.empty() && text != ".") {
    const std::size_t dot = text.find('.');
    to.u8(static_cast<std::uint8_t>(dot));
    to.text(text.substr(0, dot));
    text.remove_prefix(dot + 1);
  }
  to.u8(0);
}

std::uint16_t u16_at(Bytes message, std::size_t offset) {
  return load_be<std::uint16_t>(message.data() + offset);
}

// Reads the name at `offset`, following pointers, and returns the offset behind it in the message.
// A dot inside a label could not be told from one between labels, so it is refused.
std::optional<std::size_t> read_name(Bytes message, std::size_t offset, std::string& name) {
  std::optional<std::size_t> behind;  // set by the first pointer
  for (unsigned pointers = 0;;) {
    if (offset >= message.size()) return std::nullopt;
    const std::size_t length = static_cast<std::size_t>(message[offset]);
    ++offset;
    switch (length >> 6) {
      case 0: {
        if (length == 0) {
          if (name.empty()) name = ".";
          return behind ? behind : offset;
        }
        if (message.size() - offset < length) return std::nullopt;
        const std::string_view label = as_text(message.subspan(offset, length));
        if (label.find('.') != std::string_view::npos) return std::nullopt;
        name.append(label).push_back('.');
        if (name.size() > kLongestName) return std::nullopt;
        offset += length;
        break;
      }
      case 3:
        if (offset >= message.size() || ++pointers > kMostPointers) return std::nullopt;
        if (!behind) behind = offset + 1;
        offset = (length & 0x3f) << 8 | static_cast<std::size_t>(message[offset]);
        break;
      default:
        return std::nullopt;  // label types nobody uses
    }
  }
}

Result<Query, ParseError> parse_message(Bytes message) {
  const auto header = Header::parse(message);
  if (!header) return header.error();
  if (header->questions == 0) return ParseError::BadValue;
  Query query{.header = *header, .question = {}, .question_end = 0};
  const auto behind = read_name(message, Header::kSize, query.question.name);
  if (!behind) return ParseError::BadEncoding;
  if (message.size() - *behind < 4) return ParseError::Truncated;
  query.question.type = u16_at(message, *behind);
  query.question.class_code = u16_at(message, *behind + 2);
  query.question_end = *behind + 4;
  return query;
}

}  // namespace

Result<Header, ParseError> Header::parse(Bytes message) {
  Reader in(message);
  Header header;
  header.id = in.u16be();
  header.flags = in.u16be();
  header.questions = in.u16be();
  header.answers = in.u16be();
  header.authorities = in.u16be();
  header.additionals = in.u16be();
  if (in.failed()) return ParseError::Truncated;
  return header;
}

Result<Query, ParseError> parse_query(Bytes message) {
  auto query = parse_message(message);
  if (query && query->header.is_response()) return ParseError::BadType;
  return query;
}

Result<Query, ParseError> parse_response(Bytes message) {
  auto response = parse_message(message);
  if (response && !response->header.is_response()) return ParseError::BadType;
  return response;
}

std::optional<Buffer> make_query(std::string_view name, std::uint16_t type) {
  std::string full(name);
  if (!full.ends_with('.')) full += '.';
  if (!is_wire_name(full)) return std::nullopt;
  Buffer out;
  Writer to(out);
  to.u16be(1);  // zero is not liked by every server
  to.u16be(Header::kRecursionDesired);
  to.u16be(1);
  to.zeros(6);
  write_name(full, out);
  to.u16be(type);
  to.u16be(kClassIn);
  return out;
}

namespace {

// Where the query's EDNS record tells the size, which OPT keeps in its class field.
std::optional<std::size_t> udp_size_offset(Bytes query) {
  const auto parsed = parse_query(query);
  // Only a query with one question is read further: there the records begin where we know.
  if (!parsed || parsed->header.questions != 1) return std::nullopt;
  const unsigned records =
      parsed->header.answers + parsed->header.authorities + parsed->header.additionals;
  std::size_t at = parsed->question_end;
  for (unsigned i = 0; i < records; ++i) {
    std::string name;
    const auto behind = read_name(query, at, name);
    if (!behind || query.size() - *behind < 10) break;
    const std::uint16_t type = u16_at(query, *behind);
    if (type == static_cast<std::uint16_t>(Type::Opt)) return *behind + 2;
    at = *behind + 10 + u16_at(query, *behind + 8);
  }
  return std::nullopt;
}

}  // namespace

std::size_t udp_size_limit(Bytes query) {
  const auto offset = udp_size_offset(query);
  if (!offset) return kSmallestUdpAnswer;
  return std::clamp<std::size_t>(u16_at(query, *offset), kSmallestUdpAnswer, kLargestUdpAnswer);
}

void limit_udp_size(MutableBytes query, std::uint16_t most) {
  const auto offset = udp_size_offset(query);
  if (offset && u16_at(query, *offset) > most) store_be(query.data() + *offset, most);
}

AnswerWriter::AnswerWriter(const Query& query, Rcode rcode, Buffer& out)
    : query_(query), out_(out) {
  out_.clear();
  Writer to(out_);
  to.u16be(query.header.id);
  to.u16be(response_flags(query.header.flags, rcode));
  const bool repeats_question = query.question.type != 0 || rcode == Rcode::Ok;
  to.u16be(repeats_question ? 1 : 0);
  to.zeros(6);
  if (!repeats_question) return;
  name(query.question.name);
  to.u16be(query.question.type);
  to.u16be(query.question.class_code);
}

void AnswerWriter::address(const IpAddress& address, std::uint32_t ttl_seconds) {
  const Type type = address.is_v4() ? Type::A : Type::Aaaa;
  record(query_.question.name, type, ttl_seconds, address.bytes().size());
  append(out_, address.bytes());
  count_one_more(kAnswersOffset);
}

void AnswerWriter::pointer(std::string_view target, std::uint32_t ttl_seconds) {
  const std::size_t wire_size = target == "." ? 1 : target.size() + 1;
  record(query_.question.name, Type::Ptr, ttl_seconds, wire_size);
  name(target);
  count_one_more(kAnswersOffset);
}

void AnswerWriter::soa(std::string_view zone, std::uint32_t serial, std::uint32_t ttl_seconds) {
  const std::size_t wire_size = zone == "." ? 1 : zone.size() + 1;
  record(zone, Type::Soa, ttl_seconds, 2 * wire_size + 20);
  name(zone);  // primary server
  name(zone);  // mailbox
  Writer to(out_);
  to.u32be(serial);
  for (int i = 0; i < 4; ++i) to.u32be(ttl_seconds);  // refresh, retry, expire, minimum
  count_one_more(kAuthoritiesOffset);
}

void AnswerWriter::record(
    std::string_view owner, Type type, std::uint32_t ttl_seconds, std::size_t size) {
  name(owner);
  Writer to(out_);
  to.u16be(static_cast<std::uint16_t>(type));
  to.u16be(kClassIn);
  to.u32be(ttl_seconds);
  to.u16be(static_cast<std::uint16_t>(size));
}

void AnswerWriter::flag_if_longer_than(std::size_t limit) {
  if (out_.size() <= limit) return;
  const std::uint16_t flags = u16_at(out_, kFlagsOffset);
  store_be<std::uint16_t>(
      out_.data() + kFlagsOffset, static_cast<std::uint16_t>(flags | Header::kTruncated));
}

void AnswerWriter::name(std::string_view text) { write_name(text, out_); }

void AnswerWriter::count_one_more(std::size_t offset) {
  store_be<std::uint16_t>(
      out_.data() + offset, static_cast<std::uint16_t>(u16_at(out_, offset) + 1));
}

void write_format_error(Bytes message, Buffer& out) {
  const auto header = Header::parse(message);
  out.clear();
  Writer to(out);
  to.u16be(header ? header->id : 0);
  to.u16be(response_flags(header ? header->flags : 0, Rcode::FormErr));
  to.zeros(8);
}

Buffer error_response(Bytes query, const Query& parsed, Rcode rcode) {
  const Bytes kept = query.first(parsed.question_end);
  Buffer out(kept.begin(), kept.end());
  const unsigned flags =
      response_flags(parsed.header.flags, rcode) & ~unsigned{Header::kAuthoritative};
  store_be<std::uint16_t>(out.data() + kFlagsOffset, static_cast<std::uint16_t>(flags));
  std::fill(out.begin() + 4, out.begin() + Header::kSize, std::byte{0});
  out[5] = std::byte{1};  // one question
  return out;
}

Buffer truncated_response(Bytes response, const Query& parsed) {
  const Bytes kept = response.first(parsed.question_end);
  Buffer out(kept.begin(), kept.end());
  const auto flags = static_cast<std::uint16_t>(parsed.header.flags | Header::kTruncated);
  store_be<std::uint16_t>(out.data() + kFlagsOffset, flags);
  std::fill(out.begin() + 4, out.begin() + Header::kSize, std::byte{0});
  out[5] = std::byte{1};
  return out;
}

std::string to_lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_wire_name(std::string_view name) {
  if (name == ".") return true;
  if (name.empty() || name.back() != '.' || name.size() > kLongestName) return false;
  while (!name.empty()) {
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot > kLongestLabel) return false;
    name.remove_prefix(dot + 1);
  }
  return true;
}

}  // namespace aya::dns
