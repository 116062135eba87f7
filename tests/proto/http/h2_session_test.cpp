// Both ends of an HTTP/2 connection in memory.
#include "proto/http/h2_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace aya::http {
namespace {

using Role = H2Session::Role;

constexpr std::uint32_t kCancel = 8;
constexpr std::uint32_t kInternalError = 2;

class H2 : public testing::Test {
 protected:
  H2() : H2(H2Options::client(), H2Options::server()) {}
  H2(const H2Options& at_client, const H2Options& at_server)
      : client(Role::Client, at_client), server(Role::Server, at_server) {}

  // Carries bytes both ways, `piece` at a time, until both ends are silent.
  void exchange(std::size_t piece = SIZE_MAX) {
    for (bool moved = true; moved;) {
      moved = carry(client, server, piece);
      moved = carry(server, client, piece) || moved;
      collect(client, client_events);
      collect(server, server_events);
    }
  }
  static bool carry(H2Session& from, H2Session& to, std::size_t piece) {
    Buffer out;
    from.take_output(out);
    for (Bytes left = out; !left.empty();) {
      const Bytes now = left.first(std::min(piece, left.size()));
      left = left.subspan(now.size());
      const auto taken = to.receive(now);
      EXPECT_TRUE(taken.has_value()) << (taken ? "" : taken.error().detail);
    }
    return !out.empty();
  }
  static void collect(H2Session& from, std::vector<H2Event>& into) {
    for (H2Event& event : from.take_events()) into.push_back(std::move(event));
  }

  // The events of one kind and stream, in order.
  template <class Event>
  static std::vector<Event> only(const std::vector<H2Event>& events, H2Stream stream) {
    std::vector<Event> out;
    for (const H2Event& event : events) {
      const auto* one = std::get_if<Event>(&event);
      if (one && one->stream == stream) out.push_back(*one);
    }
    return out;
  }
  std::string body(H2Stream stream) const {
    std::string out;
    for (const auto& one : only<H2BodyArrived>(client_events, stream)) out += as_text(one.bytes);
    return out;
  }
  std::size_t arrived() const {
    return static_cast<std::size_t>(std::ranges::count_if(server_events, [](const H2Event& event) {
      return std::holds_alternative<H2RequestArrived>(event);
    }));
  }
  H2Stream ask(const Request& request) {
    const auto stream = client.request(request);
    EXPECT_TRUE(stream.has_value());
    return stream.value_or(-1);
  }

  H2Session client, server;
  std::vector<H2Event> client_events, server_events;
};

Buffer filled(std::size_t size) { return Buffer(size, std::byte{'x'}); }

Request asking(std::string method, std::string target, Buffer body = {}) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

Response answer(int status, Buffer body = {}) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST_F(H2, CarriesARequestAndItsAnswer) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    const H2Stream stream = ask(
        {.method = "POST",
         .target = "/machine/register?x=1",
         .headers = {{"Host", "control"}, {"X-Two", "1"}, {"X-Two", "2"}, {"Connection", "close"}},
         .body = filled(100'000)});
    exchange(piece);
    const auto requests = only<H2RequestArrived>(server_events, stream);
    ASSERT_EQ(requests.size(), 1u);
    const Request& request = requests[0].request;
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/machine/register?x=1");
    EXPECT_EQ(request.headers.get("host"), "control");
    EXPECT_EQ(request.headers.count("x-two"), 2u);
    EXPECT_FALSE(request.headers.has("Connection"));
    EXPECT_EQ(request.body, filled(100'000));

    server.respond(stream, Response::json(201, R"({"ok":true})"));
    exchange(piece);
    const auto heads = only<H2ResponseStarted>(client_events, stream);
    ASSERT_EQ(heads.size(), 1u);
    EXPECT_EQ(heads[0].response.status, 201);
    EXPECT_EQ(heads[0].response.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(heads[0].response.headers.get("Content-Length"), "11");
    EXPECT_EQ(body(stream), R"({"ok":true})");
    const auto ends = only<H2StreamClosed>(client_events, stream);
    ASSERT_EQ(ends.size(), 1u);
    EXPECT_EQ(ends[0].error, 0u);
    EXPECT_EQ(only<H2StreamClosed>(server_events, stream).size(), 1u);
    EXPECT_EQ(client.open_streams() + server.open_streams(), 0u);
  }
}

TEST_F(H2, AnswersWithoutABody) {
  const H2Stream head = ask(asking("HEAD", "/")), none = ask({});
  exchange();
  server.respond(head, Response::text(200, "12345"));
  server.respond(none, answer(204));
  exchange();
  EXPECT_EQ(
      only<H2ResponseStarted>(client_events, head)[0].response.headers.get("content-length"), "5");
  EXPECT_EQ(only<H2ResponseStarted>(client_events, none)[0].response.status, 204);
  EXPECT_EQ(body(head) + body(none), "");
  EXPECT_EQ(client.open_streams(), 0u);
}

TEST_F(H2, StreamsAnAnswerAsItIsWritten) {
  const H2Stream stream = ask(asking("GET", "/machine/map"));
  exchange();
  server.start_response(stream, 200, {{"Content-Type", "x"}});
  exchange();
  ASSERT_EQ(only<H2ResponseStarted>(client_events, stream).size(), 1u);
  for (const auto text : {"one ", "two ", "three"}) {
    EXPECT_TRUE(server.write(stream, as_bytes(text)));
    exchange();
    EXPECT_TRUE(body(stream).ends_with(text));
  }
  EXPECT_TRUE(client.is_open(stream));
  server.finish(stream);
  exchange();
  EXPECT_FALSE(client.is_open(stream));
  EXPECT_EQ(body(stream), "one two three");
}

TEST_F(H2, ServesStreamsSideBySide) {
  std::vector<H2Stream> streams;
  for (int i = 0; i < 50; ++i) streams.push_back(ask(asking("GET", "/" + std::to_string(i))));
  exchange();
  for (auto at = streams.rbegin(); at != streams.rend(); ++at) {
    const auto request = only<H2RequestArrived>(server_events, *at);
    server.respond(*at, Response::text(200, request[0].request.target));
  }
  exchange();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(body(streams[static_cast<std::size_t>(i)]), "/" + std::to_string(i));
  }
}

class H2SmallWindows : public H2 {
 protected:
  H2SmallWindows()
      : H2({.stream_window = 100'000, .connection_window = 1'000'000},
           {.stream_window = 100'000,
            .connection_window = 200'000,
            .max_streams = 2,
            .max_request_body = 50'000,
            .queue_limit = 10'000}) {}
};

TEST_F(H2SmallWindows, StallsOnlyTheStreamThatIsNotConsumed) {
  const H2Stream slow = ask(asking("GET", "/slow")), quick = ask(asking("GET", "/quick"));
  exchange();
  server.respond(slow, answer(200, filled(250'000)));
  server.respond(quick, answer(200, filled(50'000)));
  exchange();
  EXPECT_EQ(body(slow).size(), 100'000u);
  EXPECT_EQ(server.queued(slow), 150'000u);
  EXPECT_EQ(body(quick).size(), 50'000u);
  client.consumed(slow, 100'000);
  exchange();
  EXPECT_EQ(body(slow).size(), 200'000u);
  client.consumed(slow, 100'000);
  exchange();
  EXPECT_EQ(body(slow).size(), 250'000u);
  EXPECT_EQ(client.open_streams(), 0u);
}

TEST_F(H2SmallWindows, RefusesToQueueWithoutEndAndSaysWhenToGoOn) {
  const H2Stream stream = ask({});
  exchange();
  server.start_response(stream, 200, {});
  EXPECT_TRUE(server.write(stream, filled(100'000)));  // below the limit, one of any size
  EXPECT_FALSE(server.write(stream, as_bytes("no")));
  EXPECT_EQ(server.queued(stream), 100'000u);
  exchange();  // fills the window, and empties the queue
  EXPECT_EQ(only<H2StreamDrained>(server_events, stream).size(), 1u);
  EXPECT_TRUE(server.write(stream, filled(20'000)));
  EXPECT_FALSE(server.write(stream, as_bytes("no")));
  exchange();
  EXPECT_EQ(server.queued(stream), 20'000u);
  EXPECT_EQ(only<H2StreamDrained>(server_events, stream).size(), 1u);
  client.consumed(stream, 100'000);
  exchange();
  EXPECT_EQ(only<H2StreamDrained>(server_events, stream).size(), 2u);
  EXPECT_EQ(body(stream).size(), 120'000u);
}

TEST_F(H2SmallWindows, RefusesALargeRequestBodyAndServesTheNext) {
  const H2Stream large = ask(asking("POST", "/", filled(400'000)));
  exchange();
  EXPECT_EQ(arrived(), 0u);
  EXPECT_EQ(only<H2ResponseStarted>(client_events, large)[0].response.status, 413);
  for (int i = 0; i < 10; ++i) {  // the connection's window has been given back
    const H2Stream stream = ask(asking("POST", "/", filled(50'000)));
    exchange();
    ASSERT_EQ(only<H2RequestArrived>(server_events, stream).size(), 1u) << i;
    server.respond(stream, {});
    exchange();
  }
}

TEST_F(H2SmallWindows, HoldsBackMoreStreamsThanTheServerAllows) {
  exchange();  // the settings
  const H2Stream first = ask({}), second = ask({}), third = ask({});
  exchange();
  EXPECT_EQ(arrived(), 2u);
  server.respond(second, {});
  exchange();
  EXPECT_EQ(arrived(), 3u);
  EXPECT_EQ(only<H2RequestArrived>(server_events, third).size(), 1u);
  EXPECT_TRUE(server.is_open(first));
}

TEST_F(H2SmallWindows, FailsWhatStillWaitedWhenTheServerGoesAway) {
  exchange();
  const H2Stream first = ask({}), second = ask({}), waiting = ask({});
  exchange();
  server.go_away();
  exchange();
  server.respond(first, {});
  server.respond(second, {});
  exchange();
  EXPECT_EQ(only<H2StreamClosed>(client_events, second).at(0).error, 0u);
  ASSERT_EQ(only<H2StreamClosed>(client_events, waiting).size(), 1u);
  EXPECT_NE(only<H2StreamClosed>(client_events, waiting)[0].error, 0u);
  EXPECT_EQ(client.open_streams(), 0u);
}

TEST_F(H2, TellsThePeerOfAReset) {
  const H2Stream by_client = ask({}), by_server = ask({});
  exchange();
  client.reset(by_client);
  server.reset(by_server, kInternalError);
  EXPECT_FALSE(client.is_open(by_client));
  exchange();
  EXPECT_EQ(only<H2StreamClosed>(server_events, by_client).at(0).error, kCancel);
  EXPECT_EQ(only<H2StreamClosed>(client_events, by_server).at(0).error, kInternalError);
  EXPECT_TRUE(only<H2StreamClosed>(client_events, by_client).empty());
  EXPECT_TRUE(only<H2StreamClosed>(server_events, by_server).empty());
  EXPECT_EQ(client.open_streams() + server.open_streams(), 0u);
  // What the owner still says about them goes nowhere.
  server.respond(by_client, {});
  EXPECT_TRUE(server.write(by_server, as_bytes("x")));
  server.finish(by_server);
  server.reset(by_server);
  client.consumed(by_client, 10);
  exchange();
}

TEST_F(H2, EndsInOrder) {
  const H2Stream last = ask({});
  exchange();
  server.go_away();
  exchange();
  EXPECT_EQ(client.request({}), std::nullopt);
  EXPECT_FALSE(server.closed()) << "a stream is still to be answered";
  server.respond(last, Response::text(200, "bye"));
  exchange();
  EXPECT_EQ(body(last), "bye");
  EXPECT_TRUE(server.closed());
  EXPECT_TRUE(client.closed());
}

TEST_F(H2, CountsPongs) {
  exchange();
  client.ping();
  client.ping();
  server.ping();
  exchange();
  EXPECT_EQ(client.pongs(), 2u);
  EXPECT_EQ(server.pongs(), 1u);
}

TEST_F(H2, GivesOutAsMuchAsTheTransportTakes) {
  const H2Stream stream = ask({});
  exchange();
  server.respond(stream, answer(200, filled(1'000'000)));
  Buffer out;
  server.take_output(out, 1);
  EXPECT_LT(out.size(), 20'000u) << "no more than one frame";
  EXPECT_TRUE(server.wants_output());
  ASSERT_TRUE(client.receive(out).has_value());
  exchange();
  EXPECT_EQ(body(stream).size(), 1'000'000u);
}

TEST_F(H2, FlushesWhatWasWrittenBeforeEachTake) {
  const H2Stream stream = ask({});
  exchange();
  server.start_response(stream, 200, {});
  for (const auto text : {"a", "b"}) {
    server.write(stream, as_bytes(text));
    exchange();
  }
  EXPECT_EQ(only<H2BodyArrived>(client_events, stream).size(), 2u);
}

TEST_F(H2, ResetsAStreamWhoseFieldsAreTooLargeAndServesTheNext) {
  Request request;
  request.headers.add("X", std::string(40'000, 'x'));
  request.headers.add("Y", std::string(40'000, 'y'));
  const H2Stream large = ask(request);
  exchange();
  EXPECT_EQ(arrived(), 0u);
  EXPECT_NE(only<H2StreamClosed>(client_events, large).at(0).error, 0u);
  const H2Stream next = ask({});
  exchange();
  EXPECT_EQ(only<H2RequestArrived>(server_events, next).size(), 1u);
}

TEST_F(H2, FailsOnWhatIsNotHttp2) {
  const auto taken = server.receive(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_FALSE(taken.has_value());
  EXPECT_FALSE(taken.error().detail.empty());
  EXPECT_TRUE(server.closed());
  EXPECT_FALSE(server.receive(as_bytes("x")).has_value());
}

TEST_F(H2, SaysGoodbyeToAPeerThatBreaksTheRules) {
  exchange();
  // A DATA frame on stream 0 is an error of the connection.
  constexpr std::string_view kBad("\x00\x00\x01\x00\x00\x00\x00\x00\x00x", 10);
  (void)server.receive(as_bytes(kBad));
  Buffer out;
  server.take_output(out);
  ASSERT_GE(out.size(), 17u);
  EXPECT_EQ(std::to_integer<int>(out[3]), 7) << "GOAWAY";
  EXPECT_TRUE(server.closed());
}

TEST_F(H2, MayBeMoved) {
  const H2Stream stream = ask({});
  H2Session moved = std::move(client);
  client = std::move(moved);
  exchange();
  server.respond(stream, Response::text(200, "here"));
  exchange();
  EXPECT_EQ(body(stream), "here");
}

}  // namespace
}  // namespace aya::http
