// Answers that come later than the handler that was asked for them.
#pragma once

#include "proto/http/message.h"

namespace aya::api {

// What `said`, the handler's own answer, has been given for its way out holds for the late one too.
inline void keep_head(const http::Headers& said, http::Response& late) {
  for (const char* kept : {"X-Request-Id", "Cache-Control"}) {
    if (said.has(kept)) late.headers.set(kept, said.get(kept));
  }
}

}  // namespace aya::api
