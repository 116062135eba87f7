// Answers in two pieces and then the end of the connection: the same comes out as of one piece. A
// reader that takes the body as it comes sees the same bytes.
#include "proto/base/check.h"
#include "proto/http/http1_parser.h"

namespace {

using namespace aya::http;

struct Outcome {
  bool failed = false;
  bool complete = false;
  int status = 0;
  std::size_t used = 0;
  aya::Buffer body;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(bool to_head, bool body_as_it_comes, aya::Bytes first, aya::Bytes second) {
  ResponseParser parser({.head = 4096, .fields = 20, .body = 1024 * 1024});
  parser.expect_answer_to(to_head ? "HEAD" : "GET");
  Outcome out;
  for (const aya::Bytes piece : {first, second}) {
    if (parser.complete()) break;
    const auto used = parser.feed(piece);
    if (!used) return {.failed = true, .complete = false, .status = 0, .used = 0, .body = {}};
    AYA_CHECK(*used == piece.size() || parser.complete());
    out.used += *used;
    if (body_as_it_comes && parser.head_done()) aya::append(out.body, parser.take_body());
  }
  out.failed = !parser.end_of_input().has_value();
  out.complete = parser.complete();
  if (!out.complete) return out;
  const Response response = parser.take();
  AYA_CHECK(response.status == 101 || response.status >= 200);
  AYA_CHECK(!to_head || response.body.empty());
  out.status = response.status;
  aya::append(out.body, response.body);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const aya::Bytes input = std::as_bytes(std::span(data + 2, size - 2));
  const bool to_head = (data[0] & 1) != 0;
  const std::size_t cut = input.size() * data[1] / 256;
  const Outcome whole = read(to_head, false, input, {});
  AYA_CHECK(whole == read(to_head, false, input.first(cut), input.subspan(cut)));
  const Outcome streamed = read(to_head, true, input.first(cut), input.subspan(cut));
  AYA_CHECK(!whole.complete || whole == streamed);
  return 0;
}
