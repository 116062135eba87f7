// One HTTP/2 connection with prior knowledge, either end, over any byte stream (control.md 4.1).
// nghttp2 does the framing; this class adds the policy: windows, bounded bodies and queues, and
// events as values instead of callbacks.
//
//   H2Session session(H2Session::Role::Client);
//   auto stream = session.request(request);
//   session.take_output(out);                   // preface, SETTINGS, HEADERS: hand to the
//   transport session.receive(bytes);                     // then: for (auto& event :
//   session.take_events()) ...
//
// The rule for the owner: after every call that is not const, take_output() and send what it gave,
// and take_events(), until both are empty: sending, too, can end a stream. take_output() is also
// the flush: what was written before it leaves in frames of its own.
//
// Flow control. Client: a stream's body counts as consumed when the owner says consumed(); until
// then it fills the stream's window and stalls that stream alone, not the connection, whose window
// is several times larger and is opened as bytes arrive. Server: what a peer does not take stays in
// the stream's queue, seen by queued(); a full queue refuses more. Request bodies under way are
// bounded together by the connection window.
//
// Not copied, moved freely. One thread. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/result.h"
#include "proto/http/message.h"

namespace aya::http {

using H2Stream = std::int32_t;

struct H2Options {
  std::uint32_t stream_window = 4 * 1024 * 1024;       // what a peer may send on one stream
  std::uint32_t connection_window = 64 * 1024 * 1024;  // and on all of them together
  std::uint32_t max_streams = 250;                     // opened by the peer at one time
  std::size_t max_head = 64 * 1024;                    // fields of one message
  std::size_t max_request_body = 1024 * 1024;          // server: more is answered with 413
  std::size_t queue_limit = 4 * 1024 * 1024;           // server: per stream, see write()

  static H2Options client() { return {}; }
  static H2Options server() { return {.stream_window = 256 * 1024, .connection_window = 4194304}; }
};

// Server: a request with its whole body.
struct H2RequestArrived {
  H2Stream stream;
  Request request;
};
// Client: the final head of a response; more of its body follows unless H2StreamClosed does.
struct H2ResponseStarted {
  H2Stream stream;
  Response response;  // without a body
};
// Client: the next piece of the body. Call consumed() for it when it has been worked off.
struct H2BodyArrived {
  H2Stream stream;
  Buffer bytes;
};
// Server: the queue of a streaming response fell to half its limit or below after having refused
// a write.
struct H2StreamDrained {
  H2Stream stream;
};
// Both: the stream is over; `error` is the HTTP/2 error code, 0 (NO_ERROR) for an orderly end. The
// last event of a stream. Not sent for streams that this side reset.
struct H2StreamClosed {
  H2Stream stream;
  std::uint32_t error;
};
using H2Event = std::variant<
    H2RequestArrived, H2ResponseStarted, H2BodyArrived, H2StreamDrained, H2StreamClosed>;

// Fatal for the connection.
struct H2Error {
  std::string detail;
};

class H2Session {
 public:
  enum class Role { Client, Server };

  explicit H2Session(Role role);  // with the options of that role
  H2Session(Role role, const H2Options& options);
  ~H2Session();
  H2Session(H2Session&&) noexcept;
  H2Session& operator=(H2Session&&) noexcept;

  // After an error send what take_output() still gives (it says why), then close.
  Result<void, H2Error> receive(Bytes bytes);
  // What has happened since the last call, in order.
  std::vector<H2Event> take_events();

  // Appends what is to be sent now, and stops behind the frame that reaches `at_most`: a transport
  // whose own queue is long asks for little and comes back when it has drained.
  void take_output(Buffer& out, std::size_t at_most = SIZE_MAX);
  bool wants_output() const;

  // Both sides agreed to end, or the session failed: close the transport after the last output.
  bool closed() const;

  // Client. ":authority" is the Host field (or "unused"), ":scheme" is https. nullopt: the peer is
  // going away or the stream ids are used up; open a new connection.
  std::optional<H2Stream> request(const Request& request);
  void consumed(H2Stream stream, std::size_t bytes);

  // Server. Calls for a stream that is gone do nothing.
  void respond(H2Stream stream, const Response& response);
  void start_response(H2Stream stream, int status, const Headers& headers);
  // False, and nothing is taken, when the queue already holds queue_limit bytes; one write of any
  // size is taken below that. Wait for H2StreamDrained.
  bool write(H2Stream stream, Bytes data);
  void finish(H2Stream stream);
  std::size_t queued(H2Stream stream) const;

  // Both. CANCEL by default; the peer sees H2StreamClosed with that code.
  void reset(H2Stream stream, std::uint32_t error = 8);
  bool is_open(H2Stream stream) const;
  std::size_t open_streams() const;
  // Orderly end: no new streams, GOAWAY now.
  void go_away();
  // A PING whose answer is counted by pongs(): proof that the peer's end still reads.
  void ping();
  std::uint64_t pongs() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::http
