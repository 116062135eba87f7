// Answers of the API that come later than the handler's own, which said only that something was
// asked.
#pragma once

#include "proto/http/message.h"

namespace aya::serve {

// Headers that belong to the request stay those of what the handler answered.
inline void keep_headers_of(const http::Headers& said, http::Response& late) {
  for (const char* kept : {"X-Request-Id", "Cache-Control"}) {
    if (said.has(kept)) late.headers.set(kept, said.get(kept));
  }
}

}  // namespace aya::serve
