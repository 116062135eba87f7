// TLS as a ByteStream over another one. Bytes written before the handshake is done wait for it, and
// are lost when close() comes first.
#pragma once

#include <functional>
#include <memory>

#include "proto/io/byte_stream.h"
#include "proto/io/loop.h"
#include "proto/tls/tls_session.h"

namespace aya::io {

class TlsStream final : public ByteStream {
 public:
  // `established` (may be empty) is called once, before the first on_bytes. The handshake begins
  // with start().
  TlsStream(
      Loop& loop, std::unique_ptr<ByteStream> transport, tls::TlsSession session,
      std::function<void(const tls::TlsPeer&)> established = {});
  ~TlsStream() override;

  void start(Handler& handler) override;
  void pause() override;
  void write(Bytes bytes) override;
  std::size_t queued() const override;
  void close() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with a callback in progress, which may destroy the stream
};

}  // namespace aya::io
