#include "coord-server/api/paging.h"

#include <algorithm>
#include <array>

#include "coord-server/api/json.h"
#include "proto/base/base64.h"
#include "proto/base/parse_number.h"
#include "proto/http/target.h"

namespace aya::api {
namespace {

// What things are told apart by; entries of the audit log by their place, which never changes.
std::string id_of(const Json& item) {
  for (const char* name : {"id", "endpointId", "version"}) {
    if (!item.is_object() || !item.contains(name)) continue;
    const Json& id = item.at(name);
    return id.is_string() ? id.get<std::string>() : text_of(id);
  }
  return {};
}

// The only list among an answer's members.
Json* list_of(Json& answer) {
  if (!answer.is_object()) return nullptr;
  Json* found = nullptr;
  for (auto& [name, member] : answer.items()) {
    if (!member.is_array()) continue;
    if (found != nullptr) return nullptr;
    found = &member;
  }
  return found;
}

struct Cursor {
  std::size_t shown = 0;  // so many came before
  std::string last;       // and this one was the last of them
};

std::string to_text(const Cursor& cursor) {
  return to_base64url(as_bytes(std::to_string(cursor.shown) + ':' + cursor.last));
}

std::optional<Cursor> parse_cursor(std::string_view text) {
  const auto bytes = parse_base64url(text);
  if (!bytes) return std::nullopt;
  const std::string_view inside = as_text(*bytes);
  const std::size_t colon = inside.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto shown = parse_number<std::size_t>(inside.substr(0, colon));
  if (!shown) return std::nullopt;
  return Cursor{*shown, std::string(inside.substr(colon + 1))};
}

// Where the list goes on; nullopt: the last one shown is not there any more.
std::optional<std::size_t> after(const Json& list, const Cursor& cursor) {
  if (cursor.last.empty()) return std::min(cursor.shown, list.size());
  const auto last = std::ranges::find(list, cursor.last, id_of);
  if (last == list.end()) return std::nullopt;
  return static_cast<std::size_t>(last - list.begin()) + 1;
}

}  // namespace

bool is_paging_word(std::string_view name) { return name == "limit" || name == "cursor"; }

bool asks_for_page(const http::Request& request) {
  return request.method == "GET" &&
         std::ranges::any_of(
             http::parse_query(request.query()), is_paging_word, &http::QueryField::name);
}

Answer<http::Response> page_of(const http::Response& whole, const http::Request& request) {
  const auto text = http::query_value(request.query(), "limit");
  const auto limit = text ? parse_number<std::int64_t>(*text) : kLongestPage;
  if (!limit || *limit < 1 || *limit > kLongestPage) {
    return ApiError::bad_request("limit: want 1 to " + std::to_string(kLongestPage));
  }
  Json answer = Json::parse(as_text(whole.body), nullptr, false);
  Json* list = list_of(answer);
  if (list == nullptr) return ApiError::bad_request("limit: there is no list here to cut");
  std::size_t begin = 0;
  if (const auto given = http::query_value(request.query(), "cursor")) {
    const auto cursor = parse_cursor(*given);
    if (!cursor) return ApiError::bad_request("cursor: not one of ours");
    const auto found = after(*list, *cursor);
    if (!found) {
      return ApiError::bad_request("cursor: what it stood at is gone; begin again without one");
    }
    begin = *found;
  }
  const std::size_t end = std::min(begin + static_cast<std::size_t>(*limit), list->size());
  if (end < list->size()) {
    answer["nextCursor"] = to_text({end, id_of((*list)[end - 1])});
  }
  Json page(list->begin() + static_cast<std::ptrdiff_t>(begin),
            list->begin() + static_cast<std::ptrdiff_t>(end));
  *list_of(answer) = std::move(page);
  return http::Response::json(whole.status, text_of(answer));
}

}  // namespace aya::api
