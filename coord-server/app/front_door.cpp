#include "coord-server/app/front_door.h"

#include <utility>

#include "coord-server/app/rewound_stream.h"
#include "proto/io/tls_stream.h"

namespace aya::coord {
namespace {

constexpr std::byte kTlsHandshake{0x16};

}  // namespace

//   silent --first byte--> HTTP, over TLS or not --upgrade, end or patience--> gone
class FrontDoor::Visitor final : public io::ByteStream::Handler, public io::HttpConnection::Owner {
 public:
  Visitor(FrontDoor& door, io::Connected connected)
      : door_(door),
        remote_(connected.remote),
        silent_(std::move(connected.stream)),
        patience_(door.loop_, [this] { door_.let_go(*this); }) {
    patience_.arm_in(kFirstByteWithin);
    silent_->start(*this);
  }
  ~Visitor() override {
    if (waiting_) door_.site_.on_gone(*http_);
  }

 private:
  void on_bytes(Bytes bytes) override {
    patience_.arm_in(kRequestWithin);
    silent_->pause();
    std::unique_ptr<io::ByteStream> stream = std::make_unique<RewoundStream>(
        door_.loop_, std::move(silent_), Buffer(bytes.begin(), bytes.end()));
    if (bytes.front() == kTlsHandshake) {
      stream = std::make_unique<io::TlsStream>(
          door_.loop_, std::move(stream), tls::TlsSession::server(door_.site_.tls_context()));
    }
    http_ = std::make_unique<io::HttpConnection>(door_.loop_, std::move(stream), *this);
  }
  void on_closed(const io::IoError&) override { door_.let_go(*this); }

  void on_request(io::HttpConnection& connection, http::Request request) override {
    patience_.arm_in(kNextRequestWithin);
    const Handled handled = door_.site_.on_request(connection, std::move(request), remote_);
    waiting_ = handled == Handled::Later || handled == Handled::Streaming;
    if (handled == Handled::Streaming) patience_.disarm();
    if (handled == Handled::Upgraded) door_.let_go(*this);
  }
  void on_closed(io::HttpConnection&) override { door_.let_go(*this); }
  std::size_t body_limit(const http::Request& head, std::size_t usual) override {
    return door_.site_.body_limit(head, usual, remote_);
  }
  http::Response refusal(const http::Request& head, http::HttpError error) override {
    return door_.site_.refusal(head, error);
  }

  FrontDoor& door_;
  Endpoint remote_;
  std::unique_ptr<io::ByteStream> silent_;
  std::unique_ptr<io::HttpConnection> http_;
  io::Timer patience_;
  bool waiting_ = false;
};

Result<std::unique_ptr<FrontDoor>, io::IoError> FrontDoor::open(
    io::Loop& loop, const Endpoint& at, Site& site) {
  std::unique_ptr<FrontDoor> door(new FrontDoor(loop, site));
  auto listener = io::TcpListener::listen(loop, at, [raw = door.get()](io::Connected connected) {
    raw->on_accepted(std::move(connected));
  });
  if (!listener) return listener.error();
  door->listener_ = std::move(*listener);
  return door;
}

FrontDoor::FrontDoor(io::Loop& loop, Site& site) : loop_(loop), site_(site) {}
FrontDoor::~FrontDoor() = default;

void FrontDoor::let_go(Visitor& visitor) { visitors_.erase(&visitor); }

void FrontDoor::on_accepted(io::Connected connected) {
  if (visitors_.size() >= kMostVisitors) return;
  auto visitor = std::make_unique<Visitor>(*this, std::move(connected));
  Visitor* key = visitor.get();
  visitors_.emplace(key, std::move(visitor));
}

}  // namespace aya::coord
