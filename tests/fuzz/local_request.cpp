// Requests to the local interface from somebody who may only read: one answer each, and nothing
// that acts is reached.
#include "daemon/localapi/local_api.h"
#include "proto/base/check.h"
#include "proto/http/http1_parser.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/recorded_host.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  aya::http::RequestParser parser({.head = 4096, .fields = 50, .body = 4096});
  const auto used = parser.feed(std::as_bytes(std::span(data, size)));
  if (!used || !parser.complete()) return 0;
  aya::test::RecordedHost host;
  aya::test::SeededRng rng;
  aya::localapi::LocalApi api(host, rng, {.version = "1", .capability_version = 1, .own_uid = 0});
  aya::localapi::LocalEffects out;
  const aya::localapi::ExchangeId exchange{1};
  const aya::http::Request request = parser.take();
  api.handle(exchange, request, {.uid = 1000}, aya::TimePoint{}, out);
  const bool waits = out.answers.empty() && out.streams.empty();
  if (waits) {
    api.ping_done(exchange, {}, out);
    if (out.answers.empty()) api.later_done(exchange, "{}", out);
  }
  AYA_CHECK(out.answers.size() + out.streams.size() == 1);
  AYA_CHECK(host.called.empty() && host.kept == aya::local::Prefs{});
  api.closed(exchange);
  AYA_CHECK(api.watchers() == 0);
  return 0;
}
