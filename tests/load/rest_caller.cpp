#include "tests/load/rest_caller.h"

#include <cstdio>

namespace aya::load {

using nlohmann::json;

void RestCaller::call(
    const std::string& method, const std::string& target, const json& body, Done done) {
  io::HttpFetch fetch;
  fetch.url = "http://coord/api/v2" + target;
  fetch.method = method;
  fetch.unix_socket = socket_;
  if (!body.is_null()) {
    fetch.headers.set("Content-Type", "application/json");
    append(fetch.body, as_bytes(body.dump()));
  }
  client_ = std::make_unique<io::HttpClient>(
      loop_, std::move(fetch),
      [done = std::move(done)](Result<http::Response, io::IoError> answer) {
        if (!answer) return done(0, json(answer.error().detail));
        done(answer->status, json::parse(as_text(answer->body), nullptr, false));
      });
}

json RestCaller::now(const std::string& method, const std::string& target, const json& body) {
  std::optional<json> result;
  call(method, target, body, [&](int status, const json& answer) {
    if (status != 200) {
      std::fprintf(stderr, "%s: %d %s\n", target.c_str(), status, answer.dump().c_str());
    }
    result = status == 200 ? answer : json(nullptr);
  });
  if (!loop_.run_until([&] { return result.has_value(); }, 30s)) return nullptr;
  return *result;
}

}  // namespace aya::load
