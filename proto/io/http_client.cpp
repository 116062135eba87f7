#include "proto/io/http_client.h"

#include <charconv>
#include <utility>

#include "proto/http/http1_writer.h"
#include "proto/http/target.h"
#include "proto/io/timer.h"
#include "proto/io/unix_stream.h"

namespace aya::io {

class HttpClient::Impl final : public ByteStream::Handler {
 public:
  Impl(Loop& loop, HttpFetch fetch, Done done)
      : loop_(loop),
        fetch_(std::move(fetch)),
        done_(std::move(done)),
        parser_(http::Limits{.body = fetch_.body_limit}),
        deadline_(loop, [this] {
          finish(IoError{IoError::Kind::TimedOut, fetch_.url + ": no answer in time"});
        }) {}

  void begin(const std::shared_ptr<Impl>& self) {
    alive_ = self;
    deadline_.arm_in(fetch_.timeout);
    const auto url = http::Url::parse(fetch_.url);
    if (!url) return fail_later({IoError::Kind::Protocol, fetch_.url + " is not an http URL"});
    if (!fetch_.unix_socket.empty()) {
      auto connected = connect_unix(loop_, fetch_.unix_socket);
      if (!connected) return fail_later(connected.error());
      stream_ = *std::move(connected);
      return send(*url);
    }
    if (url->tls && fetch_.tls == nullptr) {
      return fail_later({IoError::Kind::Tls, fetch_.url + " needs TLS, which was not set up"});
    }
    DialTarget target;
    target.host = url->host;
    target.port = url->port;
    target.tls = url->tls ? fetch_.tls : nullptr;
    target.offer_http11 = true;
    target.public_only = fetch_.public_only;
    target.socket = fetch_.socket;
    target.timeout = fetch_.timeout;
    dial_ = std::make_unique<Dial>(
        loop_, std::move(target), [this, url = *url](Result<Dialled, IoError> result) {
          const auto keep = alive_.lock();
          if (!result) return finish(result.error());
          stream_ = std::move(result->stream);
          dial_.reset();
          send(url);
        });
  }

  void give_up() {
    done_ = nullptr;
    dial_.reset();
    stream_.reset();
    deadline_.disarm();
    later_.reset();
  }

 private:
  void send(const http::Url& url) {
    http::Request request;
    request.method = fetch_.method;
    request.target = url.target;
    request.headers = fetch_.headers;
    request.headers.set("Host", url.authority());
    request.headers.set("Connection", "close");
    request.body = std::move(fetch_.body);
    parser_.expect_answer_to(request.method);
    Buffer out;
    http::write_request(request, out);
    stream_->write(out);
    stream_->start(*this);
  }

  void on_bytes(Bytes bytes) override {
    const auto keep = alive_.lock();
    if (const auto used = parser_.feed(bytes); !used) {
      return finish(IoError{
          IoError::Kind::Protocol, fetch_.url + ": the answer is not HTTP (" +
                                       std::string(http::to_text(used.error())) + ")"});
    }
    if (fetch_.on_body && parser_.head_done()) {
      deadline_.disarm();
      if (const Buffer piece = parser_.take_body(); !piece.empty()) {
        fetch_.on_body(parser_.head(), piece);
        if (!done_) return;  // cancelled by the call
      }
    }
    if (parser_.complete()) finish(parser_.take());
  }

  void on_closed(const IoError& why) override {
    const auto keep = alive_.lock();
    if (why.kind == IoError::Kind::Ended && parser_.end_of_input() && parser_.complete()) {
      return finish(parser_.take());
    }
    finish(IoError{why.kind, fetch_.url + ": " + why.detail});
  }

  void fail_later(IoError why) {
    later_ = std::make_unique<Timer>(loop_, [this, why] { finish(why); });
    later_->arm(loop_.now());
  }

  void finish(Result<http::Response, IoError> result) {
    const auto keep = alive_.lock();
    if (!done_) return;
    const Done call = std::exchange(done_, nullptr);
    deadline_.disarm();
    dial_.reset();
    stream_.reset();
    call(std::move(result));
  }

  Loop& loop_;
  HttpFetch fetch_;
  Done done_;
  std::weak_ptr<Impl> alive_;
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<ByteStream> stream_;
  http::ResponseParser parser_;
  Timer deadline_;
  std::unique_ptr<Timer> later_;
};

HttpClient::HttpClient(Loop& loop, HttpFetch fetch, Done done)
    : impl_(std::make_shared<Impl>(loop, std::move(fetch), std::move(done))) {
  impl_->begin(impl_);
}
HttpClient::~HttpClient() { impl_->give_up(); }

}  // namespace aya::io
