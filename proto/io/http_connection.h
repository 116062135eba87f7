// The server's end of one HTTP/1.1 connection over any stream: parses requests one after the other,
// lets the owner answer each, and keeps the connection alive in between. A client that has not
// delivered a whole request after 30 s is cut off; while a request is being answered, and after an
// upgrade, there is no time limit.
//
// Each request is answered exactly once, during on_request or any time later, by one of
//   respond(response)
//   start_stream(status, headers), then write()... and finish()
//   upgrade()
// None of them may be called at another time, but after on_closed() the first two do nothing.
//
// Requests that a client sends ahead wait their turn: one is answered at a time. A client that is
// further ahead than one request of the largest size is cut off.
#pragma once

#include <memory>

#include "proto/http/http1_parser.h"
#include "proto/io/byte_stream.h"
#include "proto/io/loop.h"

namespace aya::io {

class HttpConnection {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_request(HttpConnection& connection, http::Request request) = 0;
    // How long its body may be, asked when its head is there; `usual` is what the limits say.
    virtual std::size_t body_limit(const http::Request&, std::size_t usual) { return usual; }
    // What is answered instead of handing a request over that is not one. Of `head` as much as was
    // understood.
    virtual http::Response refusal(const http::Request& head, http::HttpError error);
    // The connection is over: destroy it now or later. Also called when the answer told the client
    // to close. Not called after upgrade().
    virtual void on_closed(HttpConnection& connection) = 0;
    virtual void on_drained(HttpConnection&) {}  // see ByteStream
  };

  HttpConnection(
      Loop& loop, std::unique_ptr<ByteStream> stream, Owner& owner, http::Limits limits = {});
  ~HttpConnection();  // closes
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void respond(const http::Response& response);

  void start_stream(int status, const http::Headers& headers);  // body in chunks, sent as written
  void write(Bytes data);
  void finish();

  struct Upgraded {
    std::unique_ptr<ByteStream> stream;
    Buffer leftover;  // what arrived behind the request: read it before the stream
  };
  // Hands the stream over; the new owner writes the 101 (or does not: DERP fast start), calls
  // start() on it, and this connection only waits to be destroyed.
  Upgraded upgrade();

  std::size_t queued() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with a callback in progress, which may destroy this
};

}  // namespace aya::io
