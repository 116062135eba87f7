#include "proto/io/tls_stream.h"

#include <utility>

#include "proto/io/timer.h"

namespace aya::io {

class TlsStream::Impl final : public ByteStream::Handler {
 public:
  Impl(
      Loop& loop, std::unique_ptr<ByteStream> transport, tls::TlsSession session,
      std::function<void(const tls::TlsPeer&)> established)
      : loop_(loop),
        transport_(std::move(transport)),
        session_(std::move(session)),
        established_(std::move(established)) {}

  void start(ByteStream::Handler& handler) {
    handler_ = &handler;
    if (!failure_) transport_->start(*this);
    flush();
    // Plaintext that arrived while nobody listened, or a failure, is told from the loop.
    if (failure_ || !plaintext_.empty()) tell_later();
  }

  void pause() {
    handler_ = nullptr;
    transport_->pause();
  }

  void write(Bytes bytes) {
    if (failure_) return;
    if (const auto sent = session_.send(bytes); !sent) {
      failure_ = to_io(sent.error());
      return tell_later();
    }
    waiting_ = session_.established() ? 0 : waiting_ + bytes.size();
    if (waiting_ > kQueueLimit) {
      failure_ = {IoError::Kind::TooSlow, "the peer does not finish the TLS handshake"};
      return tell_later();
    }
    flush();
  }

  std::size_t queued() const { return transport_->queued() + waiting_; }

  void close() {
    handler_ = nullptr;
    established_ = nullptr;
    if (!failure_) {
      session_.shutdown();
      flush();
    }
    transport_->close();
  }

  void keep(const std::shared_ptr<Impl>& self) { self_ = self; }

 private:
  static IoError to_io(const tls::TlsError& error) { return {IoError::Kind::Tls, error.detail}; }

  void on_bytes(Bytes ciphertext) override {
    const auto keep = self_.lock();
    const bool was_established = session_.established();
    const auto received = session_.receive(ciphertext, plaintext_);
    flush();
    if (!was_established && session_.established()) {
      waiting_ = 0;
      if (const auto call = std::exchange(established_, nullptr)) call(session_.peer());
    }
    deliver();
    if (!received) return end(to_io(received.error()));
    if (session_.peer_said_goodbye()) end({IoError::Kind::Ended, "the peer ended the TLS session"});
  }

  void on_closed(const IoError& why) override {
    const auto keep = self_.lock();
    // Without a goodbye an end inside the handshake is a refusal; later it is an end like any
    // other.
    if (!session_.established() && why.kind == IoError::Kind::Ended) {
      return end({IoError::Kind::Tls, "the peer ended the connection during the TLS handshake"});
    }
    end(why);
  }

  void on_drained() override {
    if (handler_ != nullptr) handler_->on_drained();
  }

  void deliver() {
    if (plaintext_.empty() || handler_ == nullptr) return;
    Buffer bytes = std::exchange(plaintext_, {});
    handler_->on_bytes(bytes);
    if (plaintext_.empty()) {
      bytes.clear();
      if (bytes.capacity() <= kKeptCapacity) plaintext_ = std::move(bytes);
    }
  }

  void end(IoError why) {
    if (!failure_) failure_ = std::move(why);
    if (handler_ == nullptr) return;  // paused: told after start()
    ByteStream::Handler* told = std::exchange(handler_, nullptr);
    transport_->pause();  // whatever else comes is for nobody
    told->on_closed(*failure_);
  }

  void tell_later() {
    if (!later_) {
      later_ = std::make_unique<Timer>(loop_, [this] {
        const auto keep = self_.lock();
        deliver();
        if (failure_) end(*failure_);
      });
    }
    later_->arm(loop_.now());
  }

  void flush() {
    output_.clear();
    session_.take_output(output_);
    if (!output_.empty()) transport_->write(output_);
    if (output_.capacity() > kKeptCapacity) output_ = Buffer();
  }

  // Larger buffers are given back, so that idle connections stay small.
  static constexpr std::size_t kKeptCapacity = 16 * 1024;

  Loop& loop_;
  std::unique_ptr<ByteStream> transport_;
  tls::TlsSession session_;
  std::function<void(const tls::TlsPeer&)> established_;
  ByteStream::Handler* handler_ = nullptr;
  std::weak_ptr<Impl> self_;
  Buffer plaintext_;  // not yet delivered
  Buffer output_;
  std::size_t waiting_ = 0;  // bytes written before the handshake was done
  std::optional<IoError> failure_;
  std::unique_ptr<Timer> later_;
};

TlsStream::TlsStream(
    Loop& loop, std::unique_ptr<ByteStream> transport, tls::TlsSession session,
    std::function<void(const tls::TlsPeer&)> established)
    : impl_(std::make_shared<Impl>(
          loop, std::move(transport), std::move(session), std::move(established))) {
  impl_->keep(impl_);
}

TlsStream::~TlsStream() { close(); }
void TlsStream::start(Handler& handler) {
  if (impl_) impl_->start(handler);
}
void TlsStream::pause() {
  if (impl_) impl_->pause();
}
void TlsStream::write(Bytes bytes) {
  if (impl_) impl_->write(bytes);
}
std::size_t TlsStream::queued() const { return impl_ ? impl_->queued() : 0; }
void TlsStream::close() {
  if (const auto impl = std::exchange(impl_, nullptr)) impl->close();
}

}  // namespace aya::io
