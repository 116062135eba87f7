// Questions to a device about itself (control 4.5): an administrator sees what its daemon sees. Only
// questions that change nothing there.
#include <algorithm>
#include <array>

#include "coord-server/api/json.h"
#include "coord-server/api/node_asker.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

constexpr std::size_t kLongestQuestion = 4096;

constexpr std::array<std::string_view, 10> kPaths = {
    "/appconnector/routes", "/debug/goroutines", "/debug/health",
    "/debug/metrics",       "/debug/netmap",     "/debug/prefs",
    "/debug/tka/log",       "/echo",             "/posture/identity",
    "/vip-services"};

Answer<void> check_question(const std::string& method, const std::string& path) {
  const std::string_view bare = std::string_view(path).substr(0, path.find('?'));
  if (bare == "/update") {
    return ApiError::forbidden("a device is updated on the device itself, not from here");
  }
  if (std::ranges::find(kPaths, bare) == kPaths.end()) {
    std::string known;
    for (const std::string_view one : kPaths) known += ' ' + std::string(one);
    return ApiError::bad_request("path: want one of" + known);
  }
  const auto is_plain = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  const bool plain = path.size() <= 200 && std::ranges::all_of(path, is_plain);
  if (!plain) return ApiError::bad_request("path: want at most 200 printable characters");
  const bool may_post = bare == "/echo";
  if (method == "GET" || (may_post && method == "POST")) return {};
  return ApiError::bad_request(std::string("method: want GET") + (may_post ? " or POST" : ""));
}

}  // namespace

Answer<http::Response> ask_device(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto method = text_field(*body, "method", "GET");
  if (!method) return method.error();
  auto path = text_field(*body, "path");
  if (!path) return path.error();
  auto sent = text_field(*body, "body");
  if (!sent) return sent.error();
  if (sent->size() > kLongestQuestion) return ApiError::bad_request("body: at most 4096 bytes");
  if (auto good = check_question(*method, *path); !good) return good.error();
  if (!(*node)->online) return ApiError::conflict("the device is not connected");
  store::AuditEntry entry = c.audit("QUERY", "NODE");
  entry.account = (*node)->account();
  entry.target_id = (*node)->record.stable_id;
  entry.target_name = c.registry.full_name(**node);
  entry.property = "C2N";
  entry.new_value = text_of({{"method", *method}, {"path", *path}});
  if (auto noted = c.registry.note(entry); !noted) return ApiError::of(noted.error());
  http::Request question;
  question.method = *method;
  question.target = *path;
  question.headers.add("Host", "c2n");
  append(question.body, as_bytes(*sent));
  if (!c.asker.ask((*node)->id(), question)) {
    return ApiError::conflict("the device cannot be asked at the moment");
  }
  return http::Response::json(202, "{}");
}

}  // namespace aya::resources
