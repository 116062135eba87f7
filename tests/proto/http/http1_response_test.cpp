// ResponseParser: each row is an answer as text and what comes of it, in pieces of any size.
#include <gtest/gtest.h>

#include <string>

#include "proto/http/http1_parser.h"

namespace aya::http {
namespace {

const Limits kSmallAnswers{.head = 200, .fields = 5, .body = 20};

// "status alive|last [body] rest", "incomplete", or the error. At the end of the text the
// connection ends.
std::string outcome_of(std::string_view method, std::string_view text, std::size_t piece) {
  ResponseParser parser(kSmallAnswers);
  parser.expect_answer_to(method);
  std::size_t at = 0;
  while (!parser.complete() && at < text.size()) {
    const auto input = text.substr(at, piece);
    const auto used = parser.feed(as_bytes(input));
    if (!used) return std::string(to_text(used.error()));
    EXPECT_TRUE(*used == input.size() || parser.complete());
    at += *used;
  }
  if (const auto ended = parser.end_of_input(); !ended) return std::string(to_text(ended.error()));
  if (!parser.complete()) return "incomplete";
  const Response response = parser.take();
  return std::to_string(response.status) + (response.keep_alive ? " alive [" : " last [") +
         std::string(as_text(response.body)) + "] " + std::string(text.substr(at));
}

struct AnswerRow {
  std::string_view name;
  std::string_view method;
  std::string_view text;
  std::string_view outcome;
};

class ParseResponse : public testing::TestWithParam<AnswerRow> {};

TEST_P(ParseResponse, ComesOutTheSameInPiecesOfAnySize) {
  const auto& [name, method, text, outcome] = GetParam();
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    ASSERT_EQ(outcome_of(method, text, piece), outcome) << "in pieces of " << piece;
  }
}

std::string answer_name(const testing::TestParamInfo<AnswerRow>& row) {
  return std::string(row.param.name);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Good, ParseResponse, testing::Values(
    AnswerRow{"Length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 alive [hi] "},
    AnswerRow{"NoReason", "GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 alive [] "},
    AnswerRow{"EmptyReason", "GET", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "404 alive [] "},
    AnswerRow{"Chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nx", "200 alive [hi] x"},
    AnswerRow{"ToTheEnd", "GET", "HTTP/1.1 200 OK\r\n\r\nall there is", "200 last [all there is] "},
    AnswerRow{"OldVersion", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 last [x] "},
    AnswerRow{"Close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "200 last [x] "},
    AnswerRow{"Head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnext", "200 alive [] next"},
    AnswerRow{"HeadWithChunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 alive [] "},
    AnswerRow{"NoContent", "GET", "HTTP/1.1 204 No Content\r\n\r\nnext", "204 alive [] next"},
    AnswerRow{"NotModified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "304 alive [] "},
    AnswerRow{"AfterContinue", "POST", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 alive [x] "},
    AnswerRow{"AfterHints", "GET", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 alive [] "},
    AnswerRow{"Switching", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: upgrade\r\n\r\n\x01\x02", "101 alive [] \x01\x02"}), answer_name);

INSTANTIATE_TEST_SUITE_P(Bad, ParseResponse, testing::Values(
    AnswerRow{"NotHttp", "GET", "SSH-2.0-OpenSSH\r\n\r\n", "malformed start line"},
    AnswerRow{"Short", "GET", "HTTP/1.1 20\r\n\r\n", "malformed start line"},
    AnswerRow{"FourDigits", "GET", "HTTP/1.1 2000\r\n\r\n", "malformed start line"},
    AnswerRow{"NoDigits", "GET", "HTTP/1.1 abc OK\r\n\r\n", "malformed start line"},
    AnswerRow{"TooLow", "GET", "HTTP/1.1 099 OK\r\n\r\n", "malformed start line"},
    AnswerRow{"VersionThree", "GET", "HTTP/3.0 200 OK\r\n\r\n", "unsupported HTTP version"},
    AnswerRow{"BareNewline", "GET", "HTTP/1.1 200 OK\n\n", "malformed header field"},
    AnswerRow{"LengthAndChunks", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed or contradictory length"},
    AnswerRow{"LengthAndChunksForHead", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed or contradictory length"},
    AnswerRow{"TooLong", "GET", "HTTP/1.1 200 OK\r\n\r\n0123456789012345678901", "body too large"},
    AnswerRow{"CutInHead", "GET", "HTTP/1.1 200 OK\r\nConte", "connection ended inside a message"},
    AnswerRow{"CutInBody", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "connection ended inside a message"},
    AnswerRow{"CutInChunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "connection ended inside a message"}), answer_name);
// clang-format on

TEST(ResponseParser, EndsBetweenMessagesWithoutComplaint) {
  ResponseParser parser;
  EXPECT_TRUE(parser.end_of_input().has_value());
  EXPECT_FALSE(parser.complete());
}

TEST(ResponseParser, HandsOutTheBodyOfAStreamThatNeverEnds) {
  ResponseParser parser(kSmallAnswers);
  ASSERT_TRUE(parser.feed(as_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")));
  ASSERT_TRUE(parser.head_done());
  for (int i = 0; i < 10; ++i) {  // more in all than the limit of a body
    ASSERT_TRUE(parser.feed(as_bytes("f\r\n0123456789abcde\r\n")));
    EXPECT_EQ(as_text(parser.take_body()), "0123456789abcde");
  }
  EXPECT_TRUE(parser.take_body().empty());
}

}  // namespace
}  // namespace aya::http
