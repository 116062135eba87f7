#include "coord-server/pages/html.h"

#include <algorithm>
#include <charconv>

#include "proto/base/utf8.h"

namespace aya::pages {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --accent: #1d5fbf; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --accent: #8ab4f8; --bad: #f2b8b5; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 30rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0; }
dt { opacity: .75; }
dd { margin: 0; overflow-wrap: anywhere; }
.code { font: 600 1.6rem/1.2 ui-monospace, monospace; letter-spacing: .08em; }
.bad { color: var(--bad); font-weight: 600; }
form { display: grid; gap: .75rem; margin: 1.5rem 0; }
label { display: grid; gap: .25rem; }
input, button, .button { font: inherit; padding: .6rem .75rem; border-radius: .4rem; }
input { border: 1px solid currentColor; width: 100%; }
button, .button { border: 1px solid var(--accent); background: var(--accent); color: Canvas;
  cursor: pointer; text-align: center; text-decoration: none; display: block; }
button.quiet { background: none; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
pre { overflow-wrap: anywhere; white-space: pre-wrap; }
)css";

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

void protect(http::Response& response) {
  response.headers.set("Cache-Control", "no-store");
  response.headers.set(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
      "base-uri 'none'");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("X-Frame-Options", "DENY");
}

}  // namespace

// "ja,en;q=0.8": the first of our languages among the best rated.
Tongue Tongue::of(const http::Request& request) {
  std::string_view rest = request.headers.get("Accept-Language");
  double best = 0;
  Tongue chosen;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    double weight = 1;
    if (const auto q = item.find(";q="); q != std::string_view::npos) {
      const std::string_view number = item.substr(q + 3);
      std::from_chars(number.data(), number.data() + number.size(), weight);
    }
    const bool japanese = item.starts_with("ja");
    if ((!japanese && !item.starts_with("en")) || weight <= best) continue;
    best = weight;
    chosen.japanese_ = japanese;
  }
  return chosen;
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = utf8_length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    if (size == 0 || lead < 0x20 || lead == 0x7f) {
      out += '?';
    } else if (const std::string_view name = entity(text[0]); !name.empty()) {
      out += name;
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string paragraph(std::string_view text) { return "<p>" + escaped(text) + "</p>\n"; }

std::string fact(std::string_view name, std::string_view value) {
  if (value.empty()) return {};
  return "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>\n";
}

http::Response page(int status, const Tongue& say, std::string_view title, std::string_view body) {
  std::string html = "<!doctype html>\n<html lang=\"" + std::string(say.code()) +
                     "\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<title>" +
                     escaped(title) +
                     " - Ayatori</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n"
                     "</head>\n<body>\n<main>\n<h1>" +
                     escaped(title) + "</h1>\n" + std::string(body) + "</main>\n</body>\n</html>\n";
  http::Response response = http::Response::text(status, html);
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  protect(response);
  return response;
}

http::Response redirect(std::string_view to) {
  http::Response response = http::Response::text(303, "");
  response.headers.set("Location", to);
  protect(response);
  return response;
}

http::Response style_sheet() {
  http::Response response = http::Response::text(200, kStyle);
  response.headers.set("Content-Type", "text/css; charset=utf-8");
  response.headers.set("Cache-Control", "max-age=3600");
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace aya::pages
