#include "daemon/coord/c2n.h"

#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"

namespace aya::coord {

Buffer answer_c2n(Bytes payload) {
  http::RequestParser parser;
  http::Response answer = http::Response::text(400, "unknown c2n path\n");
  const auto used = parser.feed(payload);
  if (!used || !parser.complete()) {
    answer = http::Response::text(400, "not an HTTP request\n");
  } else if (http::Request request = parser.take(); request.path() == "/echo") {
    answer = http::Response{};
    answer.body = std::move(request.body);
  }
  Buffer out;
  http::write_response(answer, out);
  return out;
}

}  // namespace aya::coord
