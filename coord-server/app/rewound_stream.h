// A stream of which the beginning was read already, put back in front: what a look at the first
// byte (HTTP or TLS?) leaves behind.
#pragma once

#include "proto/io/byte_stream.h"
#include "proto/io/timer.h"

namespace aya::coord {

class RewoundStream final : public io::ByteStream {
 public:
  // `rest` must be paused.
  RewoundStream(io::Loop& loop, std::unique_ptr<io::ByteStream> rest, Buffer beginning);

  void start(Handler& handler) override;
  void pause() override;
  void write(Bytes bytes) override { rest_->write(bytes); }
  std::size_t queued() const override { return rest_->queued(); }
  void close() override;

 private:
  void replay();

  std::unique_ptr<io::ByteStream> rest_;
  Buffer beginning_;
  Handler* handler_ = nullptr;  // while beginning_ waits
  io::Timer replay_;            // a handler is never called from within start()
};

}  // namespace aya::coord
