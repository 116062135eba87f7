// Requests in two pieces: the same comes out as of one piece, and what was read and is written
// again is read as the same request.
#include "proto/base/check.h"
#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"

namespace {

using namespace aya::http;

struct Outcome {
  std::optional<HttpError> error;
  std::optional<Request> request;
  std::size_t used = 0;
};

Outcome read(aya::Bytes first, aya::Bytes second) {
  RequestParser parser({.head = 4096, .fields = 20, .body = 4096});
  Outcome out;
  for (const aya::Bytes piece : {first, second}) {
    if (parser.complete()) break;
    const auto used = parser.feed(piece);
    if (!used) {
      out.error = used.error();
      return out;
    }
    AYA_CHECK(*used == piece.size() || parser.complete());
    out.used += *used;
  }
  if (parser.complete()) out.request = parser.take();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const aya::Bytes input = std::as_bytes(std::span(data + 1, size - 1));
  const std::size_t cut = input.size() * data[0] / 256;
  const Outcome whole = read(input, {});
  const Outcome cut_in_two = read(input.first(cut), input.subspan(cut));
  AYA_CHECK(whole.error == cut_in_two.error);
  AYA_CHECK(whole.used == cut_in_two.used || whole.error);
  AYA_CHECK(whole.request.has_value() == cut_in_two.request.has_value());
  if (!whole.request) return 0;
  AYA_CHECK(whole.request->body == cut_in_two.request->body);
  AYA_CHECK(whole.request->headers == cut_in_two.request->headers);

  // Once more, with a length in place of chunks.
  Request plain = *whole.request;
  plain.headers.remove("Transfer-Encoding");
  plain.headers.remove("Content-Length");
  if (!plain.headers.has("Host")) plain.headers.add("Host", "");
  aya::Buffer written;
  write_request(plain, written);
  RequestParser again;
  AYA_CHECK(again.feed(written).value_or(0) == written.size() && again.complete());
  const Request same = again.take();
  AYA_CHECK(same.method == plain.method && same.target == plain.target && same.body == plain.body);
  return 0;
}
