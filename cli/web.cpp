#include "cli/web.h"

#include <optional>

#include "proto/io/http_client.h"
#include "proto/tls/certificate.h"

namespace aya::cli {

Result<http::Response, WebError> ask_web(const WebRequest& request) {
  tls::TlsTrust trust = tls::TlsTrust::roots();
  if (!request.certificate_pin.empty()) {
    const auto pin = tls::parse_pin(request.certificate_pin);
    if (!pin) return WebError{request.certificate_pin + " is no certificate's pin"};
    trust = tls::TlsTrust::pinned(*pin);
  }
  tls::TlsClientContext tls(trust);
  io::HttpFetch fetch;
  fetch.url = request.url;
  fetch.method = request.method;
  fetch.headers = request.headers;
  append(fetch.body, as_bytes(request.body));
  fetch.tls = &tls;
  fetch.timeout = kWebPatience;
  constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;
  fetch.body_limit = kLongestAnswer;
  io::Loop loop;
  std::optional<Result<http::Response, io::IoError>> got;
  io::HttpClient client(
      loop, std::move(fetch), [&](auto answer) { got.emplace(std::move(answer)); });
  loop.run_until([&] { return got.has_value(); }, kWebPatience + std::chrono::seconds(1));
  if (!got) return WebError{request.url + ": no answer in time"};
  if (!*got) return WebError{got->error().detail};
  return std::move(**got);
}

}  // namespace aya::cli
