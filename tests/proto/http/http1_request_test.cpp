// RequestParser: each row is a request as text and what comes of it, whole and in pieces of any
// size.
#include <gtest/gtest.h>

#include <string>

#include "proto/http/http1_parser.h"

namespace aya::http {
namespace {

using namespace std::literals;

const Limits kSmall{.head = 200, .fields = 5, .body = 20};

// "METHOD target alive|last [body] rest", "incomplete", or the error.
std::string outcome_of(std::string_view text, std::size_t piece) {
  RequestParser parser(kSmall);
  std::size_t at = 0;
  while (!parser.complete() && at < text.size()) {
    const auto input = text.substr(at, piece);
    const auto used = parser.feed(as_bytes(input));
    if (!used) return std::string(to_text(used.error()));
    EXPECT_TRUE(*used == input.size() || parser.complete());
    at += *used;
  }
  if (!parser.complete()) return "incomplete";
  const Request request = parser.take();
  EXPECT_TRUE(parser.idle());
  return request.method + " " + request.target + (request.keep_alive ? " alive [" : " last [") +
         std::string(as_text(request.body)) + "] " + std::string(text.substr(at));
}

struct Row {
  std::string_view name;
  std::string_view text;
  std::string_view outcome;
};

class ParseRequest : public testing::TestWithParam<Row> {};

TEST_P(ParseRequest, ComesOutTheSameInPiecesOfAnySize) {
  const auto& [name, text, outcome] = GetParam();
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    ASSERT_EQ(outcome_of(text, piece), outcome) << "in pieces of " << piece;
  }
}

std::string name_of(const testing::TestParamInfo<Row>& row) { return std::string(row.param.name); }

// clang-format off
INSTANTIATE_TEST_SUITE_P(Good, ParseRequest, testing::Values(
    Row{"Bare", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / alive [] "},
    Row{"BlankLinesBefore", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / alive [] "},
    Row{"Query", "GET /p%2Fq?a=b&c HTTP/1.1\r\nHost: a\r\n\r\n", "GET /p%2Fq?a=b&c alive [] "},
    Row{"Length", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "POST /x alive [hello] "},
    Row{"ZeroLength", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nnext", "POST /x alive [] next"},
    Row{"SameLengthTwice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nhi", "POST / alive [hi] "},
    Row{"Rest", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /", "POST / alive [hi] GET /"},
    Row{"RestWithoutBody", "GET / HTTP/1.1\r\nHost: a\r\n\r\nbytes", "GET / alive [] bytes"},
    Row{"Chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nrest", "POST / alive [abcde] rest"},
    Row{"ChunksInAnyCase", "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", "POST / alive [0123456789] "},
    Row{"Trailers", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", "POST / alive [x] "},
    Row{"Close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", "GET / last [] "},
    Row{"OldVersion", "GET / HTTP/1.0\r\n\r\n", "GET / last [] "},
    Row{"OldVersionKeptAlive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / alive [] "},
    Row{"WholeUrl", "GET http://a.example/p?q HTTP/1.1\r\nHost: a.example\r\n\r\n", "GET /p?q alive [] "},
    Row{"WholeUrlWithoutPath", "GET https://a.example HTTP/1.1\r\nHost: a\r\n\r\n", "GET / alive [] "},
    Row{"WholeUrlWithQueryOnly", "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?q alive [] "},
    Row{"Asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * alive [] "},
    Row{"EmptyValue", "GET / HTTP/1.1\r\nHost:\r\nX:  \t \r\n\r\n", "GET / alive [] "},
    Row{"EightBitValue", "GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa9\r\n\r\n", "GET / alive [] "}), name_of);

INSTANTIATE_TEST_SUITE_P(Unfinished, ParseRequest, testing::Values(
    Row{"NoEndOfHead", "GET / HTTP/1.1\r\nHost: a\r\n", "incomplete"},
    Row{"HalfALine", "GET / HT", "incomplete"},
    Row{"ShortBody", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", "incomplete"},
    Row{"NoLastChunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", "incomplete"},
    Row{"NoEndOfTrailers", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", "incomplete"}), name_of);

INSTANTIATE_TEST_SUITE_P(BadStart, ParseRequest, testing::Values(
    Row{"NoVersion", "GET /\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"NoTarget", "GET HTTP/1.1\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"NoMethod", " / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"ControlInTarget", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"EightBitTarget", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"OddMethod", "G\"T / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"OtherProtocol", "GET / ICY/1.1\r\nHost: a\r\n\r\n", "malformed start line"},
    Row{"VersionTwo", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "unsupported HTTP version"},
    Row{"VersionOnePointTwo", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "unsupported HTTP version"},
    Row{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "unsupported HTTP version"},
    Row{"BareNewline", "GET / HTTP/1.1\nHost: a\r\n\r\n", "malformed header field"},
    Row{"TlsHello", "\x16\x03\x01\x02\x00\x01\n"sv, "malformed header field"}), name_of);

INSTANTIATE_TEST_SUITE_P(BadField, ParseRequest, testing::Values(
    Row{"NoHost", "GET / HTTP/1.1\r\n\r\n", "malformed header field"},
    Row{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "malformed header field"},
    Row{"NoColon", "GET / HTTP/1.1\r\nHost\r\n\r\n", "malformed header field"},
    Row{"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "malformed header field"},
    Row{"Folded", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "malformed header field"},
    Row{"NoName", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "malformed header field"},
    Row{"BareReturn", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "malformed header field"},
    Row{"Nul", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"sv, "malformed header field"},
    Row{"BareNewlineAfterField", "GET / HTTP/1.1\r\nHost: a\n\r\n", "malformed header field"},
    Row{"TooMany", "GET / HTTP/1.1\r\nHost: a\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\n\r\n", "header too large"}), name_of);

INSTANTIATE_TEST_SUITE_P(BadBody, ParseRequest, testing::Values(
    Row{"LengthAndChunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed or contradictory length"},
    Row{"TwoLengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "malformed or contradictory length"},
    Row{"LengthList", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", "malformed or contradictory length"},
    Row{"NegativeLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "malformed or contradictory length"},
    Row{"PlusLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", "malformed or contradictory length"},
    Row{"HexLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", "malformed or contradictory length"},
    Row{"EmptyLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "malformed or contradictory length"},
    Row{"OverflowingLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n", "malformed or contradictory length"},
    Row{"ChunksInOldVersion", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed or contradictory length"},
    Row{"Gzip", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unsupported transfer encoding"},
    Row{"TwoEncodings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "unsupported transfer encoding"},
    Row{"TooLong", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n", "body too large"},
    Row{"TooLongInChunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nb\r\n0123456789x\r\n", "body too large"},
    Row{"NoChunkSize", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "malformed chunk"},
    Row{"WordForChunkSize", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "malformed chunk"},
    Row{"NegativeChunkSize", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "malformed chunk"},
    Row{"OverflowingChunkSize", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\n", "malformed chunk"},
    Row{"ChunkLongerThanSaid", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", "malformed chunk"},
    Row{"BareNewlineAfterSize", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n", "malformed chunk"}), name_of);
// clang-format on

TEST(RequestParser, BoundsTheHeadThoughNoLineEverEnds) {
  RequestParser parser(kSmall);
  EXPECT_TRUE(parser.feed(as_bytes(std::string(200, 'G'))).has_value());
  const auto more = parser.feed(as_bytes("G"));
  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error(), HttpError::HeadTooLarge);
}

TEST(RequestParser, BoundsTrailersAndChunkLinesToo) {
  for (const std::string_view endless : {"0\r\nA: b\r\n", "1;"}) {
    RequestParser parser(kSmall);
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    ASSERT_TRUE(parser.feed(as_bytes(head + std::string(endless))).has_value());
    bool refused = false;
    for (int i = 0; i < 300 && !refused; ++i) refused = !parser.feed(as_bytes("A")).has_value();
    EXPECT_TRUE(refused) << endless;
  }
}

TEST(RequestParser, ShowsTheHeadBeforeTheBodyIsThere) {
  RequestParser parser;
  ASSERT_TRUE(parser.feed(as_bytes(
      "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")));
  ASSERT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.complete());
  EXPECT_TRUE(parser.head().headers.has_token("expect", "100-continue"));
}

TEST(RequestParser, ReadsOneRequestAfterTheOther) {
  const std::string text =
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
      "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n";
  RequestParser parser;
  const auto used = parser.feed(as_bytes(text));
  ASSERT_TRUE(used && parser.complete());
  EXPECT_EQ(parser.take().target, "/1");
  ASSERT_TRUE(parser.feed(as_bytes(text).subspan(*used)) && parser.complete());
  const Request second = parser.take();
  EXPECT_EQ(second.target, "/2");
  EXPECT_TRUE(second.body.empty());
  EXPECT_EQ(second.headers.get("host"), "b");
  EXPECT_EQ(second.headers.size(), 1u);
}

TEST(RequestParser, LetsTheHeadDecideHowLongTheBodyMayBe) {
  RequestParser parser(Limits{.body = 4}, [](const Request& head) {
    return head.path() == "/long" ? std::size_t{8} : std::size_t{4};
  });
  const auto post = [&](const std::string& path, const std::string& fields, const char* body) {
    return parser.feed(as_bytes("POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n" + body));
  };
  ASSERT_TRUE(post("/long", "Content-Length: 8", "12345678"));
  EXPECT_EQ(parser.take().body.size(), 8u);
  ASSERT_TRUE(post("/long", "Transfer-Encoding: chunked", "8\r\n12345678\r\n0\r\n\r\n"));
  EXPECT_EQ(parser.take().body.size(), 8u);
  ASSERT_TRUE(post("/short", "Content-Length: 4", "1234"));
  EXPECT_EQ(parser.take().body.size(), 4u);
  EXPECT_EQ(post("/short", "Content-Length: 8", "").error(), HttpError::BodyTooLarge);
  EXPECT_EQ(parser.head().target, "/short");
}

TEST(HttpErrors, HaveAStatusForTheClient) {
  EXPECT_EQ(to_status(HttpError::BadStartLine), 400);
  EXPECT_EQ(to_status(HttpError::BodyTooLarge), 413);
  EXPECT_EQ(to_status(HttpError::HeadTooLarge), 431);
  EXPECT_EQ(to_status(HttpError::UnknownEncoding), 501);
  EXPECT_EQ(to_status(HttpError::BadVersion), 505);
}

}  // namespace
}  // namespace aya::http
