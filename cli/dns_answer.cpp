#include "cli/dns_answer.h"

#include <algorithm>
#include <span>

#include "proto/base/hex.h"
#include "proto/netaddr/ip_address.h"

namespace aya::cli {
namespace {

struct Named {
  std::uint16_t number;
  std::string_view name;
};

constexpr Named kTypes[] = {{1, "A"},      {2, "NS"},     {5, "CNAME"}, {6, "SOA"},   {12, "PTR"},
                            {13, "HINFO"}, {15, "MX"},    {16, "TXT"},  {28, "AAAA"}, {33, "SRV"},
                            {41, "OPT"},   {65, "HTTPS"}, {255, "ALL"}};
constexpr Named kCodes[] = {{0, "Success"},   {1, "FormatError"},    {2, "ServerFailure"},
                            {3, "NameError"}, {4, "NotImplemented"}, {5, "Refused"}};
constexpr Named kClasses[] = {{1, "INET"}, {3, "CHAOS"}, {4, "HESIOD"}, {255, "ANY"}};

std::string name_in(std::span<const Named> table, std::uint16_t number, std::string_view prefix) {
  const auto found = std::ranges::find(table, number, &Named::number);
  return found == table.end() ? std::to_string(number)
                              : std::string(prefix) + std::string(found->name);
}

// Walks one message; every read past its end makes the whole of it unreadable.
class Message {
 public:
  explicit Message(Bytes bytes) : bytes_(bytes) {}

  std::uint16_t u16() {
    if (at_ + 2 > bytes_.size()) return fail();
    const auto value = static_cast<std::uint16_t>((byte(at_) << 8) | byte(at_ + 1));
    at_ += 2;
    return value;
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return (high << 16) | u16();
  }
  std::string name() { return name_at(at_, true); }
  Bytes take(std::size_t size) {
    if (at_ > bytes_.size() || size > bytes_.size() - at_) {
      fail();
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  std::size_t at() const { return at_; }
  void go_to(std::size_t at) { at_ = at; }
  bool failed() const { return failed_; }

 private:
  static constexpr int kMaxJumps = 32;  // compressed names point backwards, not in circles

  unsigned byte(std::size_t at) const { return std::to_integer<unsigned>(bytes_[at]); }
  std::uint16_t fail() {
    failed_ = true;
    return 0;
  }

  std::string name_at(std::size_t at, bool moves) {
    std::string out;
    int jumps = 0;
    while (true) {
      if (at >= bytes_.size() || out.size() > 255) return fail(), "";
      const unsigned length = byte(at);
      if ((length & 0xc0) == 0xc0) {
        if (at + 1 >= bytes_.size() || ++jumps > kMaxJumps) return fail(), "";
        if (moves) at_ = at + 2;
        moves = false;
        at = ((length & 0x3f) << 8) | byte(at + 1);
        continue;
      }
      if (length > 63 || at + 1 + length > bytes_.size()) return fail(), "";
      if (length == 0) {
        if (moves) at_ = at + 1;
        return out.empty() ? "." : out;
      }
      out += as_text(bytes_.subspan(at + 1, length));
      out += '.';
      at += 1 + length;
    }
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

std::string texts_in(Bytes data) {
  std::string out;
  while (!data.empty()) {
    const std::size_t length =
        std::min<std::size_t>(std::to_integer<std::size_t>(data.front()), data.size() - 1);
    if (!out.empty()) out += ' ';
    out += as_text(data.subspan(1, length));
    data = data.subspan(1 + length);
  }
  return out;
}

std::string body_of(Message& in, std::uint16_t type, std::size_t size) {
  const auto number = [&in] { return std::to_string(in.u16()); };
  switch (type) {
    case 1:
      if (const Bytes raw = in.take(size); raw.size() == 4) {
        return IpAddress::v4(raw.first<4>()).to_text();
      }
      return "";
    case 28:
      if (const Bytes raw = in.take(size); raw.size() == 16) {
        return IpAddress::v6(raw.first<16>()).to_text();
      }
      return "";
    case 2:
    case 5:
    case 12:
      return in.name();
    case 15: {
      const std::string preference = number();
      return preference + " " + in.name();
    }
    case 33: {
      const std::string priority = number(), weight = number(), port = number();
      return priority + " " + weight + " " + port + " " + in.name();
    }
    case 16:
      return texts_in(in.take(size));
    default:
      return to_hex(in.take(size));
  }
}

}  // namespace

Result<DnsAnswer, ParseError> parse_dns_answer(Bytes message) {
  Message in(message);
  in.u16();  // id
  const std::uint16_t flags = in.u16();
  const std::uint16_t questions = in.u16(), answers = in.u16();
  in.u16();
  in.u16();
  DnsAnswer out;
  out.code = name_in(kCodes, flags & 0xf, "RCode");
  for (unsigned i = 0; i < questions && !in.failed(); ++i) {
    in.name();
    in.u32();  // type and class
  }
  for (unsigned i = 0; i < answers && !in.failed(); ++i) {
    DnsRecord& record = out.answers.emplace_back();
    record.name = in.name();
    const std::uint16_t type = in.u16();
    record.type = name_in(kTypes, type, "Type");
    record.dns_class = name_in(kClasses, in.u16(), "Class");
    record.ttl = in.u32();
    const std::size_t size = in.u16();
    const std::size_t end = in.at() + size;
    record.body = body_of(in, type, size);
    if (!in.failed() && in.at() > end) return ParseError::BadLength;
    in.go_to(end);
    if (end > message.size()) return ParseError::Truncated;
  }
  if (in.failed()) return ParseError::Truncated;
  return out;
}

bool is_dns_type(std::string_view name) {
  return name != "OPT" && std::ranges::find(kTypes, name, &Named::name) != std::end(kTypes);
}

}  // namespace aya::cli
