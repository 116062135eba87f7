#include "daemon/portmap/ssdp.h"

#include <algorithm>

namespace aya::portmap {
namespace {

constexpr std::size_t kMaxUrl = 1024;
constexpr std::string_view kScheme = "http://";

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lowered, lowered);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The next line, without its end; nullopt: the text ends within it.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "HTTP/1.1 200 OK"; the reason may be missing.
bool is_status_line(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/")) return false;
  if (!is_digit(line[5]) || line[6] != '.' || !is_digit(line[7]) || line[8] != ' ') return false;
  std::string_view status = line.substr(9);
  status.remove_prefix(std::min(status.find_first_not_of(' '), status.size()));
  const std::string_view code = status.substr(0, status.find(' '));
  return code.size() == 3 && std::ranges::all_of(code, is_digit);
}

// A character of a header's name (RFC 9110, "token").
bool is_token(char c) {
  return is_digit(c) || (lowered(c) >= 'a' && lowered(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string* field_of(SsdpAnswer& answer, std::string_view name) {
  if (same_text(name, "location")) return &answer.location;
  if (same_text(name, "server")) return &answer.server;
  if (same_text(name, "usn")) return &answer.usn;
  return nullptr;
}

}  // namespace

std::string ssdp_search(std::string_view target) {
  std::string out = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: ";
  out += target;
  return out + "\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\n\r\n";
}

Result<SsdpAnswer, ParseError> parse_ssdp(std::string_view datagram) {
  const auto status = take_line(datagram);
  if (!status) return ParseError::Truncated;
  if (!is_status_line(*status)) return ParseError::BadMagic;
  SsdpAnswer answer;
  for (;;) {
    const auto line = take_line(datagram);
    if (!line) return ParseError::Truncated;
    if (trimmed(*line).empty()) return answer;
    const auto colon = line->find(':');
    if (colon == std::string_view::npos) return ParseError::BadEncoding;
    const std::string_view name = line->substr(0, colon);
    if (name.empty() || !std::ranges::all_of(name, is_token)) return ParseError::BadEncoding;
    std::string* field = field_of(answer, name);
    if (field != nullptr && field->empty()) *field = trimmed(line->substr(colon + 1));
  }
}

bool is_gateway(std::string_view datagram) {
  return datagram.find(":InternetGatewayDevice:") != std::string_view::npos;
}

std::optional<GatewayUrl> GatewayUrl::parse(std::string_view text) {
  if (text.size() > kMaxUrl || !same_text(text.substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  // Anything below a space would end a request line of ours early.
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7f; })) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const auto slash = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view authority = text.substr(0, slash);
  std::string_view path = text.substr(slash);
  path = path.substr(0, path.find('#'));

  GatewayUrl url;
  if (const auto whole = Endpoint::parse(authority)) {
    url.server = *whole;
  } else if (const auto address = IpAddress::parse(authority)) {
    url.server = {*address, 80};
  } else {
    return std::nullopt;
  }
  if (url.server.port == 0) return std::nullopt;
  url.path = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
  return url;
}

std::optional<GatewayUrl> GatewayUrl::resolve(std::string_view reference) const {
  if (same_text(reference.substr(0, kScheme.size()), kScheme)) {
    const auto there = parse(reference);
    if (!there || there->server.address != server.address) return std::nullopt;
    return there;
  }
  std::string whole = std::string(kScheme) + server.to_text();
  if (!reference.starts_with('/')) {
    const std::string_view plain = std::string_view(path).substr(0, path.find('?'));
    whole += plain.substr(0, plain.rfind('/') + 1);
  }
  return parse(whole + std::string(reference));
}

std::string GatewayUrl::to_text() const { return std::string(kScheme) + server.to_text() + path; }

}  // namespace aya::portmap
