// Two streams joined into one: what either brings is written to the other, until one of them ends
// or fails; what is queued by then is still written. A side that brings more than the other takes
// is held back. For the rules of lifetime see loop.h.
#pragma once

#include <functional>
#include <memory>

#include "proto/io/byte_stream.h"
#include "proto/io/timer.h"

namespace aya::io {

class Splice {
 public:
  // Neither stream is started. `ended` is called once, and may destroy this.
  Splice(
      Loop& loop, std::unique_ptr<ByteStream> left, std::unique_ptr<ByteStream> right,
      std::function<void()> ended);
  ~Splice();
  Splice(const Splice&) = delete;
  Splice& operator=(const Splice&) = delete;

 private:
  class Side;

  void look_again();
  void end();

  std::unique_ptr<Side> left_, right_;
  std::function<void()> ended_;
  // A paused stream does not say when its own queue is empty, and both may be paused.
  Timer look_again_;
};

}  // namespace aya::io
