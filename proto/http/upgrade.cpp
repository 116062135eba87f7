#include "proto/http/upgrade.h"

namespace aya::http {

Request upgrade_request(
    std::string_view method, std::string_view target, std::string_view host,
    std::string_view protocol) {
  Request request;
  request.method = method;
  request.target = target;
  request.headers.add("Host", host);
  request.headers.add("Upgrade", protocol);
  request.headers.add("Connection", "upgrade");
  return request;
}

std::string_view requested_upgrade(const Request& request) {
  if (!request.headers.has_token("Connection", "upgrade")) return {};
  return request.headers.get("Upgrade");
}

Response switching_to(std::string_view protocol) {
  Response response;
  response.status = 101;
  response.headers.add("Upgrade", protocol);
  response.headers.add("Connection", "upgrade");
  return response;
}

bool switched_to(const Response& response, std::string_view protocol) {
  return response.status == 101 && equal_ignoring_case(response.headers.get("Upgrade"), protocol);
}

}  // namespace aya::http
