// The part of the DNS wire format (RFC 1035, 6891) that a resolver for local names and a forwarder
// need: the header, the first question, and writing answers.
#pragma once

#include <optional>
#include <string>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/ip_address.h"

namespace aya::dns {

enum class Type : std::uint16_t {
  A = 1,
  Ns = 2,
  Cname = 5,
  Soa = 6,
  Hinfo = 13,
  Ptr = 12,
  Mx = 15,
  Txt = 16,
  Aaaa = 28,
  Srv = 33,
  Opt = 41,
  Axfr = 252,
  Any = 255,
};
inline constexpr std::uint16_t kClassIn = 1;
inline constexpr std::uint16_t kDnsPort = 53;

enum class Rcode : std::uint8_t {
  Ok = 0,
  FormErr = 1,
  ServFail = 2,
  NxDomain = 3,
  NotImp = 4,
  Refused = 5,
};

struct Header {
  static constexpr std::size_t kSize = 12;

  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0, answers = 0, authorities = 0, additionals = 0;

  static constexpr std::uint16_t kResponse = 0x8000;
  static constexpr std::uint16_t kAuthoritative = 0x0400;
  static constexpr std::uint16_t kTruncated = 0x0200;
  static constexpr std::uint16_t kRecursionDesired = 0x0100;
  static constexpr std::uint16_t kRecursionAvailable = 0x0080;

  bool is_response() const { return (flags & kResponse) != 0; }
  Rcode rcode() const { return static_cast<Rcode>(flags & 0xf); }

  static Result<Header, ParseError> parse(Bytes message);
};

struct Question {
  std::string name;  // as asked, with its final dot; "." is the root. Any bytes but dots in a label
  std::uint16_t type = 0;
  std::uint16_t class_code = 0;
};

struct Query {
  Header header;
  Question question;
  std::size_t question_end = 0;  // offset behind the first question
};

// A query's header and first question. Further questions and records are not looked at. A message
// with the response bit set is refused: answering it could make two servers talk for ever.
Result<Query, ParseError> parse_query(Bytes message);

// The same of a response: all a forwarder must know of one.
Result<Query, ParseError> parse_response(Bytes message);

// A query with recursion wanted, for a name as a person writes it; nullopt: that is no name.
std::optional<Buffer> make_query(std::string_view name, std::uint16_t type);

// The largest UDP answer the asker takes: the size in its EDNS record, but at least 512 (RFC 6891,
// 6.2.3) and at most kLargestUdpAnswer, which passes every link unfragmented.
inline constexpr std::size_t kSmallestUdpAnswer = 512;
inline constexpr std::size_t kLargestUdpAnswer = 1232;
std::size_t udp_size_limit(Bytes query);
// Makes the size in the query's EDNS record no larger than `most`, for passing it on.
void limit_udp_size(MutableBytes query, std::uint16_t most);

// Writes an authoritative response to `query` into `out`, replacing what was there: first the
// question as asked, then records. Nothing is compressed, so a response is what the vectors show.
// A failure leaves a question of type 0, which no type has, out, as tailscaled does.
class AnswerWriter {
 public:
  AnswerWriter(const Query& query, Rcode rcode, Buffer& out);

  void address(const IpAddress& address, std::uint32_t ttl_seconds);  // A or AAAA
  void pointer(std::string_view name, std::uint32_t ttl_seconds);
  // Says for how long the absence may be remembered (RFC 2308). All its times are the TTL.
  void soa(std::string_view zone, std::uint32_t serial, std::uint32_t ttl_seconds);
  // The truncation bit on a response that the asker cannot be sure to get whole. Nothing is cut:
  // what arrives is right.
  void flag_if_longer_than(std::size_t limit);

 private:
  void record(std::string_view name, Type type, std::uint32_t ttl_seconds, std::size_t size);
  void name(std::string_view name);
  void count_one_more(std::size_t offset);

  const Query& query_;
  Buffer& out_;
};

// FormErr with a header only, for a message whose question cannot be repeated.
void write_format_error(Bytes message, Buffer& out);

// A failure of a query that parsed, with its question; not authoritative.
Buffer error_response(Bytes query, const Query& parsed, Rcode rcode);

// The response cut behind its question, with the truncation bit, so that the asker turns to TCP.
Buffer truncated_response(Bytes response, const Query& parsed);

std::string to_lower(std::string_view name);  // ASCII only, as DNS compares

// Fully qualified and short enough for the wire: what AnswerWriter can be given.
bool is_wire_name(std::string_view name);

}  // namespace aya::dns
