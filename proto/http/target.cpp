#include "proto/http/target.h"

#include "proto/base/parse_number.h"

namespace aya::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte written as %XX at the front of `text`; -1 if there is none.
int escaped_byte(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = hex_digit(text[1]);
  const int low = hex_digit(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string decode_form(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const int byte = escaped_byte(text.substr(i)); byte >= 0) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

bool is_safe_segment(std::string_view decoded) {
  return decoded != "." && decoded != ".." && decoded.find('\0') == std::string_view::npos;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port == 0 ? std::nullopt : port;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int byte = escaped_byte(text.substr(i));
    if (byte < 0) return std::nullopt;
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::optional<std::vector<std::string>> split_path(std::string_view raw_path) {
  if (raw_path.empty() || raw_path[0] != '/') return std::nullopt;
  std::vector<std::string> segments;
  std::string_view rest = raw_path.substr(1);
  if (rest.empty()) return segments;
  for (;;) {
    const auto slash = rest.find('/');
    auto decoded = percent_decode(rest.substr(0, slash));
    if (!decoded || !is_safe_segment(*decoded)) return std::nullopt;
    segments.push_back(std::move(*decoded));
    if (slash == std::string_view::npos) return segments;
    rest.remove_prefix(slash + 1);
  }
}

std::vector<QueryField> parse_query(std::string_view raw_query) {
  std::vector<QueryField> fields;
  while (!raw_query.empty()) {
    const auto amp = raw_query.find('&');
    const std::string_view field = raw_query.substr(0, amp);
    raw_query.remove_prefix(amp == std::string_view::npos ? raw_query.size() : amp + 1);
    if (field.empty()) continue;
    const auto equals = field.find('=');
    fields.push_back(
        {decode_form(field.substr(0, equals)),
         equals == std::string_view::npos ? std::string() : decode_form(field.substr(equals + 1))});
  }
  return fields;
}

std::optional<std::string> query_value(std::string_view raw_query, std::string_view name) {
  for (QueryField& field : parse_query(raw_query)) {
    if (field.name == name) return std::move(field.value);
  }
  return std::nullopt;
}

std::optional<Url> Url::parse(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  url.port = url.tls ? 443 : 80;

  const auto path_at = text.find_first_of("/?#");
  std::string_view authority = text.substr(0, path_at);
  if (path_at != std::string_view::npos) {
    const std::string_view target = text.substr(path_at, text.find('#') - path_at);
    url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  }
  if (url.target.find_first_of(" \t\r\n") != std::string::npos) return std::nullopt;
  // User names in URLs have only ever served to mislead readers.
  if (authority.find('@') != std::string_view::npos) return std::nullopt;

  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && port[0] != ':') return std::nullopt;
  } else {
    const auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (port.size() > 1) {
    const auto number = parse_port(port.substr(1));
    if (!number) return std::nullopt;
    url.port = *number;
  }
  if (url.host.empty() || url.host.find_first_of(" \t\r\n%") != std::string::npos) {
    return std::nullopt;
  }
  return url;
}

std::string Url::authority() const {
  const bool literal_v6 = host.find(':') != std::string::npos;
  std::string out = literal_v6 ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

}  // namespace aya::http
