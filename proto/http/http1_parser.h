// Incremental HTTP/1.1 parsers (RFC 9112), strict on purpose: no obsolete line folding, no space
// before a colon, no bare CR or LF tricks, no message with both a length and chunks. What is
// refused here is refused because two parsers in a row could disagree about it.
//
//   RequestParser parser;
//   auto used = parser.feed(bytes);            // error: answer with to_status(), then close
//   if (parser.complete()) { Request request = parser.take(); /* rest: bytes.subspan(*used) */ }
//
// feed() stops at the end of one message, so whatever it did not use belongs to the next request
// or, after an upgrade, to the new protocol. take() makes the parser ready for the next message.
#pragma once

#include <functional>
#include <optional>

#include "proto/base/result.h"
#include "proto/http/message.h"

namespace aya::http {

enum class HttpError {
  BadStartLine,
  BadVersion,
  BadHeader,
  BadLength,  // Content-Length that is no number, repeated with another value, or with chunks
  BadChunk,
  UnknownEncoding,  // a Transfer-Encoding that is not "chunked"
  HeadTooLarge,
  BodyTooLarge,
  Truncated,  // the connection ended inside a message
};
std::string_view to_text(HttpError error);
int to_status(HttpError error);  // what a server answers: 400, 413, 431, 501 or 505

struct Limits {
  std::size_t head = 64 * 1024;  // start line and all fields
  std::size_t fields = 200;
  std::size_t body = 1024 * 1024;
};

namespace detail {

// What requests and responses have in common: a start line, fields, and a body of known length, in
// chunks, or up to the end of the connection.
class MessageReader {
 public:
  struct Head {
    std::string start_line;
    Headers headers;
  };
  enum class Framing { None, Length, Chunked, ToEnd };

  explicit MessageReader(const Limits& limits) : limits_(limits) {}

  // Consumes up to the end of the head; true once it is there.
  Result<bool, HttpError> feed_head(Bytes& input);
  // Reads Content-Length and Transfer-Encoding. `without_length` applies when neither is present.
  Result<void, HttpError> choose_framing(bool may_have_body, Framing without_length);
  Result<void, HttpError> feed_body(Bytes& input);
  Result<void, HttpError> end_of_input();

  void set_body_limit(std::size_t limit) { limits_.body = limit; }

  Head& head() { return head_; }
  Buffer& body() { return body_; }
  bool head_done() const { return head_done_; }
  bool body_done() const { return body_done_; }
  bool started() const { return head_done_ || !line_.empty() || !head_.start_line.empty(); }
  Framing framing() const { return framing_; }
  std::uint64_t announced_length() const { return left_; }  // Framing::Length, before any data
  Buffer take_body();
  void reset();

 private:
  enum class Chunk { Size, Data, DataEnd, Trailer };

  Result<bool, HttpError> take_line(Bytes& input, std::string& out);
  Result<void, HttpError> on_field(std::string_view line);
  Result<void, HttpError> take_data(Bytes& input);
  Result<void, HttpError> on_chunk_line(std::string_view line);

  Limits limits_;
  Head head_;
  Buffer body_;
  std::string line_;
  std::size_t head_bytes_ = 0;
  std::uint64_t left_ = 0;
  Framing framing_ = Framing::None;
  Chunk chunk_ = Chunk::Size;
  bool head_done_ = false;
  bool body_done_ = false;
};

}  // namespace detail

class RequestParser {
 public:
  // How long the body of this request may be, by its head alone; Limits::body then means nothing.
  using BodyLimit = std::function<std::size_t(const Request& head)>;

  explicit RequestParser(Limits limits = {}, BodyLimit body_limit = {})
      : limits_(limits), body_limit_(std::move(body_limit)), reader_(limits) {}

  // How many bytes were used. After an error the parser is of no further use.
  Result<std::size_t, HttpError> feed(Bytes input);

  bool idle() const { return !reader_.started(); }  // not a byte of the next request seen
  bool head_done() const { return reader_.head_done(); }
  bool complete() const { return reader_.body_done(); }
  // Once head_done(): to look at the fields before the body is there (Expect: 100-continue).
  const Request& head() const { return request_; }
  Request take();  // complete() only

 private:
  Result<void, HttpError> on_head();

  Limits limits_;
  BodyLimit body_limit_;
  detail::MessageReader reader_;
  Request request_;
};

class ResponseParser {
 public:
  explicit ResponseParser(Limits limits = {}) : reader_(limits) {}

  // The answer to HEAD has no body whatever its fields say. Set before the response begins.
  void expect_answer_to(std::string_view method) { to_head_ = method == "HEAD"; }

  // Interim answers (100, 102, 103) are skipped; 101 is a complete message without a body.
  Result<std::size_t, HttpError> feed(Bytes input);
  // The connection ended. An error unless between messages or in a body that runs to the end.
  Result<void, HttpError> end_of_input();

  bool head_done() const { return reader_.head_done(); }
  bool complete() const { return reader_.body_done(); }
  const Response& head() const { return response_; }  // once head_done()
  // The body as far as it has come, taken out: for streams that never end. Limits::body then bounds
  // what is taken at once, not the sum.
  Buffer take_body() { return reader_.take_body(); }
  Response take();  // complete() only

 private:
  Result<void, HttpError> on_head();

  detail::MessageReader reader_;
  Response response_;
  bool to_head_ = false;
};

}  // namespace aya::http
