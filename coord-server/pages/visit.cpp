#include "coord-server/pages/visit.h"

#include <algorithm>

#include "proto/base/hex.h"
#include "proto/crypto/hmac.h"
#include "proto/netaddr/prefix.h"

namespace aya::pages {
namespace {

constexpr std::size_t kLongestWhere = 200;

}  // namespace

// Browsers hold "__Host-" to its word: https only, no other host, the whole site.
BrowserRules::BrowserRules(std::string origin, const crypto::Key32& secret)
    : origin_(std::move(origin)),
      secret_(secret),
      secure_(origin_.starts_with("https:")),
      session_name_(secure_ ? "__Host-ayatori" : "ayatori"),
      visitor_name_(secure_ ? "__Host-ayatori-form" : "ayatori-form") {}

std::string BrowserRules::set_cookie(std::string_view name, std::string_view value) const {
  std::string text =
      std::string(name) + '=' + std::string(value) + "; Path=/; HttpOnly; SameSite=Lax";
  if (secure_) text += "; Secure";
  if (value.empty()) text += "; Max-Age=0";
  if (!value.empty() && name == session_name_) text += "; Max-Age=2592000";
  return text;
}

std::string BrowserRules::form_token(std::string_view cookie) const {
  return to_hex(crypto::hmac_sha256(secret_.bytes(), as_bytes("form " + std::string(cookie))));
}

bool BrowserRules::is_from_here(const http::Request& request) const {
  const std::string_view site = request.headers.get("Sec-Fetch-Site");
  if (!site.empty()) return site == "same-origin";
  const std::string_view origin = request.headers.get("Origin");
  return origin.empty() || origin == "null" || origin == origin_;
}

std::string cookie_of(const http::Request& request, std::string_view name) {
  std::string_view rest = request.headers.get("Cookie");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return std::string(pair.substr(name.size() + 1));
    }
  }
  return {};
}

std::string Visit::field(std::string_view name) const {
  const auto found = std::ranges::find(form, name, &http::QueryField::name);
  return found == form.end() ? std::string() : found->value;
}

std::string Visit::source() const {
  return Prefix{from, std::uint8_t(from.is_v4() ? 24 : 64)}.masked().to_text();
}

std::string Visit::where() const {
  return from.to_text() + ' ' +
         std::string(request.headers.get("User-Agent").substr(0, kLongestWhere));
}

std::string form(
    const Visit& visit, std::string_view action, std::string_view fields, std::string_view button,
    bool quiet) {
  return "<form method=\"post\" action=\"" + escaped(action) + "\">\n" + std::string(fields) +
         hidden("form", visit.token) + "<button" + (quiet ? " class=\"quiet\"" : "") + '>' +
         escaped(button) + "</button>\n</form>\n";
}

std::string input(
    std::string_view label, std::string_view name, std::string_view type,
    std::string_view autocomplete, std::string_view value) {
  std::string out = "<label>" + escaped(label) + "<input name=\"" + escaped(name) + "\" type=\"" +
                    escaped(type) + "\" autocomplete=\"" + escaped(autocomplete) + '"';
  if (!value.empty()) out += " value=\"" + escaped(value) + '"';
  return out + "></label>\n";
}

std::string hidden(std::string_view name, std::string_view value) {
  return "<input type=\"hidden\" name=\"" + escaped(name) + "\" value=\"" + escaped(value) +
         "\">\n";
}

std::string safe_next(std::string_view next) {
  const bool plain = std::ranges::all_of(next, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '-';
  });
  constexpr std::string_view kOurs[] = {"/a/", "/admin/invite/", "/join/", "/ssh/", "/account"};
  const bool ours =
      std::ranges::any_of(kOurs, [&](std::string_view at) { return next.starts_with(at); });
  return plain && ours && next.size() < 200 ? std::string(next) : "/account";
}

}  // namespace aya::pages
