// A connected, ordered stream of bytes: TCP, a unix socket, or TLS over either. Owners hold
// std::unique_ptr<ByteStream> and never see which. For the rules of lifetime see loop.h.
//
// Writing never blocks and never fails at once: bytes queue up, queued() tells how many, and
// on_drained() comes when a queue that had grown past kHighWater is empty again. Owners that
// produce without being asked stop at kHighWater. A queue past kQueueLimit ends the stream
// (TooSlow).
#pragma once

#include <memory>

#include "proto/base/bytes.h"
#include "proto/io/io_error.h"

namespace aya::io {

class ByteStream {
 public:
  static constexpr std::size_t kHighWater = 256 * 1024;
  static constexpr std::size_t kQueueLimit = 64 * 1024 * 1024;

  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_bytes(Bytes bytes) = 0;  // borrowed for the call
    // The peer ended (Kind::Ended) or something failed. The last call; the stream is now closed.
    virtual void on_closed(const IoError& why) = 0;
    virtual void on_drained() {}
  };

  // Destroying a stream is close().
  virtual ~ByteStream() = default;

  // Begins, or goes on, delivering to this handler. Nothing is read or reported before. May be
  // called again at any time, from within a callback too: an upgrade hands the stream on that way.
  virtual void start(Handler& handler) = 0;
  // Stops reading, so that the peer is held back, and forgets the handler: until start() nothing
  // is called back, and what happens meanwhile is reported after it.
  virtual void pause() = 0;

  virtual void write(Bytes bytes) = 0;
  virtual std::size_t queued() const = 0;

  // Ends the stream once the queue is written (5 s at most). No callback comes after this.
  virtual void close() = 0;
};

}  // namespace aya::io
