#include "coord-server/api/encoding.h"

#include "proto/base/hex.h"
#include "proto/compression/compression.h"
#include "proto/crypto/sha256.h"

namespace aya::api {
namespace {

constexpr std::size_t kWorthwhile = 1024;

// The fields of a list, without blanks around them.
std::string_view next_item(std::string_view& list) {
  const std::size_t comma = std::min(list.find(','), list.size());
  std::string_view item = list.substr(0, comma);
  list.remove_prefix(std::min(comma + 1, list.size()));
  while (item.starts_with(' ')) item.remove_prefix(1);
  while (item.ends_with(' ')) item.remove_suffix(1);
  return item;
}

// "gzip;q=0" takes none.
bool accepts(std::string_view list, std::string_view coding) {
  while (!list.empty()) {
    const std::string_view item = next_item(list);
    const std::size_t end = std::min(item.find(';'), item.size());
    if (!http::equal_ignoring_case(item.substr(0, end), coding)) continue;
    const std::string_view weight = item.substr(end);
    return weight.find("q=0") == std::string_view::npos ||
           weight.find_first_of("123456789", weight.find("q=0")) != std::string_view::npos;
  }
  return false;
}

}  // namespace

std::string etag_of(std::string_view body) {
  const auto digest = crypto::sha256(as_bytes(body));
  return '"' + to_hex(digest) + '"';
}

bool names_etag(std::string_view field, std::string_view etag) {
  while (!field.empty()) {
    std::string_view item = next_item(field);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == "*" || item == etag) return true;
  }
  return false;
}

void answer_conditionally(const http::Request& request, http::Response& response) {
  if (request.method != "GET" || response.status != 200) return;
  if (response.headers.get("Content-Type") == "text/event-stream") return;  // never the same twice
  if (!response.headers.has("ETag")) response.headers.set("ETag", etag_of(as_text(response.body)));
  const std::string_view known = request.headers.get("If-None-Match");
  if (known.empty() || !names_etag(known, response.headers.get("ETag"))) return;
  response.status = 304;
  response.body.clear();
}

void compress(const http::Request& request, http::Response& response) {
  const std::string_view taken = request.headers.get("Accept-Encoding");
  if (response.body.size() < kWorthwhile || response.headers.has("Content-Encoding")) return;
  response.headers.add("Vary", "Accept-Encoding");
  const bool zstd = accepts(taken, "zstd");
  if (!zstd && !accepts(taken, "gzip")) return;
  auto small = zstd ? compression::zstd(response.body) : compression::gzip(response.body);
  if (!small || small->size() >= response.body.size()) return;
  response.body = std::move(*small);
  response.headers.set("Content-Encoding", zstd ? "zstd" : "gzip");
}

}  // namespace aya::api
