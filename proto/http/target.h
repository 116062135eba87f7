// Request targets. A path is split at '/' while it is still percent-encoded and each segment is
// decoded once afterwards: "a%2Fb" is one segment, and no decoded text is ever split again
// (interfaces 1.1; the other order has been a security hole in real servers).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya::http {

// nullopt for a malformed escape. '+' is a plus sign here.
std::optional<std::string> percent_decode(std::string_view text);
// Everything but unreserved characters (RFC 3986, section 2.3) is escaped, '/' too.
std::string percent_encode(std::string_view text);

// "/api/v2/device/a%2Fb" gives {"api", "v2", "device", "a/b"}; "/" gives {}; a trailing slash gives
// a last empty segment. nullopt: no leading '/', a malformed escape, or a decoded NUL, "." or "..".
std::optional<std::vector<std::string>> split_path(std::string_view raw_path);

struct QueryField {
  std::string name;
  std::string value;
};
// In a query and in form bodies '+' is a space. Malformed escapes are kept as they are written.
std::vector<QueryField> parse_query(std::string_view raw_query);
// The first field of that name.
std::optional<std::string> query_value(std::string_view raw_query, std::string_view name);

// "https://host:8443/path?x" in its parts; the port is filled in from the scheme, IPv6 literals
// come without their brackets. Only http and https.
struct Url {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
  std::string target = "/";

  static std::optional<Url> parse(std::string_view text);
  std::string authority() const;  // for the Host field: without a port that the scheme implies
};

}  // namespace aya::http
