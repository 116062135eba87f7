#include "daemon/coord/c2n.h"

#include <algorithm>
#include <array>

#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"

namespace aya::coord {

namespace {

http::Response echo(http::Request request) {
  http::Response answer;
  answer.body = std::move(request.body);
  return answer;
}

// Programs of a host are its administrator's business and the package manager's.
http::Response no_update(http::Request request) {
  if (request.method == "GET") {
    return http::Response::json(200, R"({"Enabled":false,"Supported":false,"Started":false})");
  }
  return http::Response::json(
      200, R"({"Err":"this node is updated on the node itself","Enabled":false,)"
           R"("Supported":false,"Started":false})");
}

struct Route {
  std::string_view path, methods;
  http::Response (*answer)(http::Request);
};
constexpr std::array kRoutes = {
    Route{"/echo", "GET POST", echo},
    Route{"/update", "GET POST", no_update},
};

http::Response answer_request(http::Request request) {
  const auto route = std::ranges::find(kRoutes, request.path(), &Route::path);
  if (route == kRoutes.end()) return http::Response::text(400, "unknown c2n path\n");
  if (route->methods.find(request.method) == std::string_view::npos) {
    return http::Response::text(405, "method not allowed\n");
  }
  return route->answer(std::move(request));
}

}  // namespace

std::optional<http::Request> question_for_daemon(Bytes payload) {
  http::RequestParser parser;
  if (!parser.feed(payload) || !parser.complete()) return std::nullopt;
  http::Request request = parser.take();
  if (std::ranges::find(kRoutes, request.path(), &Route::path) != kRoutes.end()) {
    return std::nullopt;
  }
  return request;
}

Buffer answer_c2n(Bytes payload) {
  http::RequestParser parser;
  const auto used = parser.feed(payload);
  const http::Response answer = used && parser.complete()
                                    ? answer_request(parser.take())
                                    : http::Response::text(400, "not an HTTP request\n");
  Buffer out;
  http::write_response(answer, out);
  return out;
}

}  // namespace aya::coord
