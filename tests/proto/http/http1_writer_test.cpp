// Messages to bytes, upgrades, and header fields.
#include "proto/http/http1_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/http/http1_parser.h"
#include "proto/http/upgrade.h"

namespace aya::http {
namespace {

std::string written(const Request& request) {
  Buffer out;
  write_request(request, out);
  return std::string(as_text(out));
}

std::string written(const Response& response, bool without_body = false) {
  Buffer out;
  write_response(response, out, without_body);
  return std::string(as_text(out));
}

Response plain_response(int status, Headers headers = {}) {
  Response response;
  response.status = status;
  response.headers = std::move(headers);
  return response;
}

Request written_request(std::string method, std::string target, Headers headers = {}) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = std::move(headers);
  return request;
}

TEST(WriteRequest, AddsALengthWhereOneIsExpected) {
  Request get = written_request("GET", "/key?v=1", {{"Host", "a"}});
  EXPECT_EQ(written(get), "GET /key?v=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(
      written(written_request("POST", "/", {{"Host", "a"}})),
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  get.body = {std::byte{'x'}};
  get.keep_alive = false;
  EXPECT_EQ(
      written(get),
      "GET /key?v=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
}

TEST(WriteResponse, TellsTheLengthUnlessThereIsNoBody) {
  EXPECT_EQ(
      written(Response::text(404, "no")),
      "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 2\r\n\r\nno");
  EXPECT_EQ(
      written(Response::json(200, "{}"), true),
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(written(plain_response(204)), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(written(plain_response(799)), "HTTP/1.1 799 Status\r\nContent-Length: 0\r\n\r\n");
}

TEST(WriteResponse, LetsNoValueForgeAField) {
  Response response = plain_response(302, {{"Location", "/a\r\nSet-Cookie: evil=1"}});
  response.keep_alive = false;
  EXPECT_EQ(
      written(response),
      "HTTP/1.1 302 Found\r\nLocation: /a  Set-Cookie: evil=1\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n");
}

TEST(WriteStream, CutsABodyIntoChunksTheParserJoins) {
  Buffer out;
  write_stream_head(200, {{"Content-Type", "text/plain"}}, out);
  write_chunk(as_bytes("hello "), out);
  write_chunk({}, out);  // must not end the stream
  write_chunk(as_bytes("world, sixteen"), out);
  write_last_chunk(out);
  ResponseParser parser;
  ASSERT_TRUE(parser.feed(out));
  ASSERT_TRUE(parser.complete());
  EXPECT_EQ(as_text(parser.take().body), "hello world, sixteen");
}

TEST(WriteRequest, IsReadBackByTheParser) {
  Request request = written_request("PUT", "/x", {{"Host", "a"}, {"X", "1"}, {"X", "2"}});
  request.body = Buffer(3000, std::byte{7});
  Buffer out;
  write_request(request, out);
  RequestParser parser;
  ASSERT_TRUE(parser.feed(out));
  ASSERT_TRUE(parser.complete());
  const Request again = parser.take();
  EXPECT_EQ(again.method, request.method);
  EXPECT_EQ(again.target, request.target);
  EXPECT_EQ(again.headers.count("x"), 2u);
  EXPECT_EQ(again.body, request.body);
}

TEST(Upgrade, IsAskedForAndGranted) {
  const Request request = upgrade_request("POST", "/ts2021", "host", "tailscale-control-protocol");
  EXPECT_EQ(requested_upgrade(request), "tailscale-control-protocol");
  EXPECT_EQ(
      written(request),
      "POST /ts2021 HTTP/1.1\r\nHost: host\r\nUpgrade: tailscale-control-protocol\r\n"
      "Connection: upgrade\r\nContent-Length: 0\r\n\r\n");
  const Response granted = switching_to("DERP");
  EXPECT_EQ(
      written(granted),
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: upgrade\r\n\r\n");
  EXPECT_TRUE(switched_to(granted, "derp"));
  EXPECT_FALSE(switched_to(granted, "websocket"));
  EXPECT_FALSE(switched_to(plain_response(200, granted.headers), "DERP"));
}

TEST(Upgrade, NeedsBothFields) {
  EXPECT_EQ(requested_upgrade(written_request("GET", "/", {{"Upgrade", "DERP"}})), "");
  EXPECT_EQ(requested_upgrade(written_request("GET", "/", {{"Connection", "upgrade"}})), "");
  EXPECT_EQ(
      requested_upgrade(written_request(
          "GET", "/", {{"upgrade", "DERP"}, {"connection", "keep-alive, Upgrade"}})),
      "DERP");
}

TEST(Headers, AreFoundWithoutRegardToCase) {
  Headers headers{{"Accept", "a"}, {"ACCEPT", "b"}, {"Host", "h"}};
  EXPECT_EQ(headers.get("accept"), "a");
  EXPECT_EQ(headers.count("accept"), 2u);
  EXPECT_EQ(headers.get("missing", "otherwise"), "otherwise");
  headers.set("aCCept", "c");
  EXPECT_EQ(headers.count("Accept"), 1u);
  EXPECT_EQ(headers.get("Accept"), "c");
  headers.remove("HOST");
  EXPECT_FALSE(headers.has("Host"));
}

TEST(Headers, FindTokensInListsAndInRepeatedFields) {
  const Headers headers{{"Connection", " keep-alive ,\tTE"}, {"Connection", "Upgrade"}};
  EXPECT_TRUE(headers.has_token("connection", "te"));
  EXPECT_TRUE(headers.has_token("connection", "upgrade"));
  EXPECT_TRUE(headers.has_token("connection", "Keep-Alive"));
  EXPECT_FALSE(headers.has_token("connection", "keep"));
  EXPECT_FALSE(headers.has_token("upgrade", "te"));
}

TEST(Request, DividesItsTargetAtTheFirstQuestionMark) {
  const Request request = written_request("GET", "/a%3Fb?c=d?e");
  EXPECT_EQ(request.path(), "/a%3Fb");
  EXPECT_EQ(request.query(), "c=d?e");
  EXPECT_EQ(Request{}.query(), "");
}

}  // namespace
}  // namespace aya::http
