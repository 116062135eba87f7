// Lists a page at a time, for whoever asks for it (interfaces 1.1): "?limit=50" cuts the one list of
// an answer and adds "nextCursor" while more follows, which "&cursor=" takes back. Existing clients
// ask for nothing and get everything.
//
// A cursor names the last thing that was shown, so that what is added or removed meanwhile is
// neither skipped nor shown twice. Pure.
#pragma once

#include "coord-server/api/api_error.h"
#include "proto/http/message.h"

namespace aya::api {

inline constexpr std::int64_t kLongestPage = 1000;

// The two words of a query that are about pages, and not about what is listed.
bool is_paging_word(std::string_view name);
// Whether the request asks for a page.
bool asks_for_page(const http::Request& request);
// What it is answered. 400: no such limit, no list to cut, or what the cursor names is gone.
Answer<http::Response> page_of(const http::Response& whole, const http::Request& request);

}  // namespace aya::api
