#include "proto/io/dial.h"

#include <utility>

#include "proto/io/name_lookup.h"
#include "proto/io/timer.h"
#include "proto/io/tls_stream.h"

namespace aya::io {

//   looking the name up -> connecting -> TLS handshake (if wanted) -> done
class Dial::Impl final : public ByteStream::Handler {
 public:
  Impl(Loop& loop, DialTarget target, Done done)
      : loop_(loop), target_(std::move(target)), done_(std::move(done)), deadline_(loop, [this] {
          finish(IoError{IoError::Kind::TimedOut, "connect to " + place() + ": timed out"});
        }) {
    give_up_at_ = loop_.now() + target_.timeout;
    deadline_.arm(give_up_at_);
  }

  void begin(const std::shared_ptr<Impl>& self) {
    self_ = self;
    if (!target_.addresses.empty()) return connect(target_.addresses);
    lookup_ = std::make_unique<NameLookup>(loop_, target_.host, [this](NameLookup::Answer answer) {
      const auto keep = self_.lock();
      if (!answer) return finish(answer.error());
      connect(*answer);
    });
  }

  void give_up() {
    done_ = nullptr;
    lookup_.reset();
    connect_.reset();
    stream_.reset();
    later_.reset();
    deadline_.disarm();
  }

 private:
  std::string place() const { return target_.host + ":" + std::to_string(target_.port); }

  void connect(const std::vector<IpAddress>& addresses) {
    std::vector<Endpoint> candidates;
    for (const IpAddress& address : addresses) {
      if (target_.public_only && !address.is_public()) continue;
      candidates.push_back({address, target_.port});
    }
    if (candidates.empty()) {
      later_ = std::make_unique<Timer>(loop_, [this] {
        finish(IoError{IoError::Kind::Permission, place() + " is in a local network"});
      });
      return later_->arm(loop_.now());
    }
    connect_ = std::make_unique<TcpConnect>(
        loop_, std::move(candidates), target_.socket, give_up_at_ - loop_.now(),
        [this](Result<Connected, IoError> result) {
          const auto keep = self_.lock();
          if (!result) return finish(result.error());
          on_connected(*std::move(result));
        });
  }

  void on_connected(Connected connected) {
    local_ = connected.local;
    remote_ = connected.remote;
    if (target_.tls == nullptr) {
      return finish(Dialled{std::move(connected.stream), local_, remote_, std::nullopt});
    }
    tls::TlsClientConfig config;
    config.server_name = target_.tls_name.empty() ? target_.host : target_.tls_name;
    config.offer_http11 = target_.offer_http11;
    config.offer_h2 = target_.offer_h2;
    auto session = tls::TlsSession::client(*target_.tls, config);
    if (!session) return finish(IoError{IoError::Kind::Tls, session.error().detail});
    stream_ = std::make_unique<TlsStream>(
        loop_, std::move(connected.stream), *std::move(session), [this](const tls::TlsPeer& peer) {
          const auto keep = self_.lock();
          stream_->pause();
          finish(Dialled{std::move(stream_), local_, remote_, peer});
        });
    stream_->start(*this);
  }

  void on_bytes(Bytes) override {}  // the stream is paused before any
  void on_closed(const IoError& why) override {
    const auto keep = self_.lock();
    finish(IoError{why.kind, place() + ": " + why.detail});
  }

  void finish(Result<Dialled, IoError> result) {
    const auto keep = self_.lock();
    if (!done_) return;
    const Done call = std::exchange(done_, nullptr);
    deadline_.disarm();
    lookup_.reset();
    connect_.reset();
    stream_.reset();
    call(std::move(result));
  }

  Loop& loop_;
  DialTarget target_;
  Done done_;
  std::weak_ptr<Impl> self_;
  TimePoint give_up_at_;
  std::unique_ptr<NameLookup> lookup_;
  std::unique_ptr<TcpConnect> connect_;
  std::unique_ptr<ByteStream> stream_;  // during the TLS handshake
  Endpoint local_, remote_;
  std::unique_ptr<Timer> later_;
  Timer deadline_;
};

Dial::Dial(Loop& loop, DialTarget target, Done done)
    : impl_(std::make_shared<Impl>(loop, std::move(target), std::move(done))) {
  impl_->begin(impl_);
}
Dial::~Dial() { impl_->give_up(); }

}  // namespace aya::io
