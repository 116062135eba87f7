// What changes, as it changes (interfaces 1.14).
#include "coord-server/resources/handlers.h"

namespace aya::resources {

Answer<http::Response> watch_changes(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  if (!c.watcher.watch((*account)->id)) {
    return ApiError{503, "too many watch for changes, or this way of asking cannot"};
  }
  http::Response head;
  head.headers.set("Content-Type", "text/event-stream");
  head.headers.set("X-Accel-Buffering", "no");  // a proxy that collects would keep them from arriving
  return head;
}

}  // namespace aya::resources
