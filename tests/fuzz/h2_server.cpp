// What a client may say to an HTTP/2 server of ours: any bytes behind a real preface, with every
// request answered in one way or another. Nothing arrives beyond its limits, every stream that was
// announced ends once, and a failed session stays failed.
#include <set>

#include "proto/base/check.h"
#include "proto/http/h2_session.h"

namespace {

using namespace aya::http;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr H2Options kOptions{
    .stream_window = 65535,
    .connection_window = 65535,
    .max_streams = 10,
    .max_head = 1024,
    .max_request_body = 1000,
    .queue_limit = 1000};

class Server {
 public:
  explicit Server(std::uint8_t manner) : manner_(manner) {}

  void receive(aya::Bytes bytes) {
    const bool had_failed = failed_;
    failed_ = !session_.receive(bytes).has_value();
    AYA_CHECK(failed_ || !had_failed);
    settle();
    AYA_CHECK(session_.open_streams() <= kOptions.max_streams || failed_);
  }

 private:
  // The owner's rule: until there is neither event nor output.
  void settle() {
    for (;;) {
      const auto events = session_.take_events();
      for (const H2Event& event : events) on_event(event);
      aya::Buffer out;
      session_.take_output(out);
      if (events.empty() && out.empty()) return;
    }
  }

  void on_event(const H2Event& event) {
    AYA_CHECK(!std::holds_alternative<H2ResponseStarted>(event));
    AYA_CHECK(!std::holds_alternative<H2BodyArrived>(event));
    if (const auto* arrived = std::get_if<H2RequestArrived>(&event)) {
      AYA_CHECK(arrived->request.body.size() <= kOptions.max_request_body);
      AYA_CHECK(open_.insert(arrived->stream).second);
      answer(arrived->stream);
    } else if (const auto* closed = std::get_if<H2StreamClosed>(&event)) {
      AYA_CHECK(open_.erase(closed->stream) == 1);
    }
  }

  void answer(H2Stream stream) {
    const std::string body(3000, 'x');
    switch (manner_++ % 4) {
      case 0:
        session_.respond(stream, Response::text(200, body));
        break;
      case 1:
        session_.start_response(stream, 200, {});
        while (session_.write(stream, aya::as_bytes(body)) && session_.is_open(stream) &&
               session_.queued(stream) < kOptions.queue_limit) {
        }
        session_.finish(stream);
        break;
      case 2:
        // Nothing more is said of it, unless it has ended already.
        if (session_.is_open(stream)) open_.erase(stream);
        session_.reset(stream);
        break;
      default:
        break;  // never
    }
  }

  H2Session session_{H2Session::Role::Server, kOptions};
  std::set<H2Stream> open_;
  std::uint8_t manner_;
  bool failed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const aya::Bytes input = std::as_bytes(std::span(data + 2, size - 2));
  Server server(data[0]);
  server.receive(aya::as_bytes(kPreface));
  // An empty SETTINGS frame, which nobody could do without.
  server.receive(aya::as_bytes(std::string_view("\0\0\0\4\0\0\0\0\0", 9)));
  const std::size_t cut = input.size() * data[1] / 256;
  server.receive(input.first(cut));
  server.receive(input.subspan(cut));
  return 0;
}
