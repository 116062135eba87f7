// /api/v2/docs: the API for people with a browser (interfaces 1.14), made from the table that serves
// it. Open to all: it says what there is, and nothing about who is there.
#include "coord-server/resources/handlers.h"
#include "proto/base/words.h"

namespace aya::resources {
namespace {

constexpr std::string_view kHead =
    "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Ayatori API</title>"
    "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:60rem;"
    "margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}"
    "td,th{text-align:left;padding:.2rem 1rem .2rem 0}code{font-size:.95em}</style>"
    "<h1>Ayatori API</h1>"
    "<p>Below <code>/api/v2</code>. Send a key as <code>Authorization: Bearer KEY</code>, or as the "
    "user name of Basic with an empty password; <code>ayatori-coord token add</code> makes one. "
    "Where a path has <code>tailnet</code>, <code>-</code> is the account of the key. Answers are "
    "JSON, refusals too: <code>{\"message\",\"status\"}</code>. Lists take <code>limit</code> and "
    "<code>cursor</code>; what else a query may say stands behind the path, in bold what it must. "
    "<a href=\"openapi.json\">The same for tools</a>, with a key.</p>"
    "<table><tr><th>Method<th>Path<th>Scope</tr>\n";

std::string scope_text(std::string_view scope) {
  if (scope.empty()) return "any key";
  if (scope == kOpenToAll) return "open to all";
  return "<code>" + std::string(scope) + "</code>";
}

std::string query_text(std::string_view words) {
  std::string out;
  for (std::string_view word : words_in(words)) {
    const bool required = word.ends_with('!');
    if (required) word.remove_suffix(1);
    out += out.empty() ? " ?" : " &amp;";
    out += (required ? "<b>" : "") + std::string(word) + (required ? "</b>" : "");
  }
  return out;
}

}  // namespace

Answer<http::Response> docs_page(const AdminContext& c) {
  std::string page(kHead);
  for (const Route& route : c.table) {
    page += "<tr><td>" + std::string(route.method) + "<td><code>/" + route.pattern +
            "</code>" + query_text(route.form.query) + "<td>" + scope_text(route.scope) + "</tr>\n";
  }
  page += "</table><p>ayatori-coord " + c.facts.version + "</p></html>\n";
  http::Response out = http::Response::text(200, page);
  out.headers.set("Content-Type", "text/html; charset=utf-8");
  out.headers.set(
      "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");
  out.headers.set("X-Content-Type-Options", "nosniff");
  return out;
}

}  // namespace aya::resources
