// A stream without a network: what is written is kept, what the peer says is spoken by the test,
// and a peer that does not read is `stuck`.
#pragma once

#include "proto/io/byte_stream.h"

namespace aya::coord {

class FakeStream final : public io::ByteStream {
 public:
  // Outlives the stream, so that a test can look after it is gone.
  struct Wire {
    Handler* handler = nullptr;
    Buffer written;
    bool stuck = false;
    bool closed = false;

    void say(Bytes bytes) {
      if (handler != nullptr) handler->on_bytes(bytes);
    }
    Buffer take() { return std::exchange(written, {}); }
    void drain() {
      stuck = false;
      if (handler != nullptr) handler->on_drained();
    }
  };

  explicit FakeStream(Wire& wire) : wire_(wire) {}
  ~FakeStream() override { close(); }

  void start(Handler& handler) override { wire_.handler = &handler; }
  void pause() override { wire_.handler = nullptr; }
  void write(Bytes bytes) override { append(wire_.written, bytes); }
  std::size_t queued() const override { return wire_.stuck ? wire_.written.size() : 0; }
  void close() override {
    wire_.handler = nullptr;
    wire_.closed = true;
  }

 private:
  Wire& wire_;
};

}  // namespace aya::coord
