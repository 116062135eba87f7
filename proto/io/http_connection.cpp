#include "proto/io/http_connection.h"

#include <utility>

#include "proto/base/check.h"
#include "proto/http/http1_writer.h"
#include "proto/io/timer.h"

namespace aya::io {
namespace {

constexpr Duration kRequestTimeout = 30s;  // for a whole request; none while it is answered

}  // namespace

//   Reading --whole request--> Answering --answered--> Reading, or Closing
//                                 '------upgrade()---> Upgraded
class HttpConnection::Impl final : public ByteStream::Handler {
 public:
  Impl(
      Loop& loop, HttpConnection& self, std::unique_ptr<ByteStream> stream, Owner& owner,
      const http::Limits& limits)
      : loop_(loop),
        self_(&self),
        stream_(std::move(stream)),
        owner_(&owner),
        parser_(
            limits, [this, usual = limits.body](
                        const http::Request& head) { return owner_->body_limit(head, usual); }),
        read_ahead_(limits.head + limits.body),
        deadline_(loop, [this] { gone(); }),
        turn_(loop, [this] { on_turn(); }) {}

  void begin(const std::shared_ptr<Impl>& self) {
    alive_ = self;
    deadline_.arm_in(kRequestTimeout);
    stream_->start(*this);
  }

  void respond(const http::Response& response) {
    if (is_over()) return;
    AYA_CHECK(phase_ == Phase::Answering);
    out_.clear();
    http::Response answer = response;
    keep_alive_ = keep_alive_ && answer.keep_alive;
    if (!keep_alive_) answer.headers.set("Connection", "close");
    http::write_response(answer, out_, to_head_);
    stream_->write(out_);
    answered();
  }

  void start_stream(int status, const http::Headers& headers) {
    if (is_over()) return;
    AYA_CHECK(phase_ == Phase::Answering);
    out_.clear();
    http::Headers fields = headers;
    if (!keep_alive_) fields.set("Connection", "close");
    http::write_stream_head(status, fields, out_);
    stream_->write(out_);
    phase_ = Phase::Streaming;
  }

  void write(Bytes data) {
    if (is_over()) return;
    AYA_CHECK(phase_ == Phase::Streaming);
    if (to_head_) return;
    out_.clear();
    http::write_chunk(data, out_);
    stream_->write(out_);
  }

  void finish() {
    if (is_over()) return;
    AYA_CHECK(phase_ == Phase::Streaming);
    out_.clear();
    if (!to_head_) http::write_last_chunk(out_);
    stream_->write(out_);
    answered();
  }

  Upgraded upgrade() {
    AYA_CHECK(phase_ == Phase::Answering);
    phase_ = Phase::Upgraded;
    stream_->pause();
    return {std::move(stream_), std::exchange(input_, {})};
  }

  std::size_t queued() const { return stream_ ? stream_->queued() : 0; }

  void let_go() {
    self_ = nullptr;
    deadline_.disarm();
    turn_.disarm();
    if (stream_) stream_->close();
  }

 private:
  enum class Phase { Reading, Answering, Streaming, Upgraded, Closing };

  bool is_over() const { return phase_ == Phase::Closing; }

  void on_bytes(Bytes bytes) override {
    if (is_over()) return;
    // While one request is answered the next may wait here; nobody needs to be further ahead.
    if (phase_ != Phase::Reading && input_.size() + bytes.size() > read_ahead_) return gone();
    append(input_, bytes);
    if (phase_ == Phase::Reading) read_requests();
  }

  void on_closed(const IoError&) override { gone(); }

  void on_drained() override {
    if (self_ != nullptr) owner_->on_drained(*self_);
  }

  // One at a time: the next request waits in input_ until this one is answered.
  void read_requests() {
    const auto keep = alive_.lock();
    while (phase_ == Phase::Reading && self_ != nullptr && !input_.empty()) {
      const auto used = parser_.feed(input_);
      if (!used) return refuse(used.error());
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(*used));
      if (parser_.head_done() && !parser_.complete()) encourage();
      if (!parser_.complete()) return;
      deadline_.disarm();
      encouraged_ = false;
      phase_ = Phase::Answering;
      http::Request request = parser_.take();
      keep_alive_ = request.keep_alive;
      to_head_ = request.method == "HEAD";
      owner_->on_request(*self_, std::move(request));
    }
  }

  // Clients with a large body may wait for this (RFC 9110, 10.1.1).
  void encourage() {
    if (encouraged_ || !parser_.head().headers.has_token("Expect", "100-continue")) return;
    encouraged_ = true;
    stream_->write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
  }

  void refuse(http::HttpError error) {
    http::Response answer = owner_->refusal(parser_.head(), error);
    answer.headers.set("Connection", "close");
    out_.clear();
    http::write_response(answer, out_);
    stream_->write(out_);
    gone();
  }

  // What follows an answer is done from the loop: the owner is in the middle of a call.
  void answered() {
    phase_ = keep_alive_ ? Phase::Reading : Phase::Closing;
    if (keep_alive_) deadline_.arm_in(kRequestTimeout);
    if (!keep_alive_ || !input_.empty()) turn_.arm(loop_.now());
  }

  void on_turn() {
    if (is_over()) return gone();
    if (phase_ == Phase::Reading) read_requests();  // one that waited
  }

  void gone() {
    const auto keep = alive_.lock();
    phase_ = Phase::Closing;
    deadline_.disarm();
    turn_.disarm();
    if (stream_) stream_->close();
    if (self_ != nullptr) owner_->on_closed(*std::exchange(self_, nullptr));
  }

  Loop& loop_;
  HttpConnection* self_;  // null once the owner is done with it
  std::unique_ptr<ByteStream> stream_;
  Owner* owner_;
  std::weak_ptr<Impl> alive_;
  http::RequestParser parser_;
  Phase phase_ = Phase::Reading;
  bool keep_alive_ = true;
  bool to_head_ = false;
  bool encouraged_ = false;
  Buffer input_;  // not yet parsed
  std::size_t read_ahead_;
  Buffer out_;
  Timer deadline_;  // for the request that is being read
  Timer turn_;      // after an answer
};

http::Response HttpConnection::Owner::refusal(const http::Request&, http::HttpError error) {
  return http::Response::text(http::to_status(error), std::string(http::to_text(error)) + "\n");
}

HttpConnection::HttpConnection(
    Loop& loop, std::unique_ptr<ByteStream> stream, Owner& owner, http::Limits limits)
    : impl_(std::make_shared<Impl>(loop, *this, std::move(stream), owner, limits)) {
  impl_->begin(impl_);
}
HttpConnection::~HttpConnection() { impl_->let_go(); }
void HttpConnection::respond(const http::Response& response) { impl_->respond(response); }
void HttpConnection::start_stream(int status, const http::Headers& headers) {
  impl_->start_stream(status, headers);
}
void HttpConnection::write(Bytes data) { impl_->write(data); }
void HttpConnection::finish() { impl_->finish(); }
HttpConnection::Upgraded HttpConnection::upgrade() { return impl_->upgrade(); }
std::size_t HttpConnection::queued() const { return impl_->queued(); }

}  // namespace aya::io
