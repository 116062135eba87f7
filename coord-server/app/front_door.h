// The TCP port: accepts, looks at the first byte (a TLS handshake begins with 0x16, no HTTP method
// does), and brings HTTP requests to the site. One port serves everything, because that is what a
// firewall's owner has to open.
#pragma once

#include <unordered_map>

#include "coord-server/app/config.h"
#include "proto/io/http_connection.h"
#include "proto/io/tcp_stream.h"
#include "proto/io/timer.h"
#include "proto/tls/tls_session.h"

namespace aya::coord {

class FrontDoor {
 public:
  // Streaming: the answer has begun, and may take as long as it likes.
  enum class Handled { Answered, Later, Streaming, Upgraded };

  class Site {
   public:
    virtual ~Site() = default;
    virtual tls::TlsServerContext& tls_context() = 0;
    // Answers with respond(), now or later, or takes the connection over with upgrade().
    virtual Handled on_request(
        io::HttpConnection& connection, http::Request request, const Endpoint& remote) = 0;
    // See HttpConnection::Owner.
    virtual std::size_t body_limit(
        const http::Request& head, std::size_t usual, const Endpoint& remote) = 0;
    virtual http::Response refusal(const http::Request& head, http::HttpError error) = 0;
    // One that was to be answered later is gone.
    virtual void on_gone(io::HttpConnection& connection) = 0;
  };

  // Connections that have not been upgraded, at one time; more are closed at once.
  static constexpr std::size_t kMostVisitors = 4096;
  // Or the places would soon be held by those who only began.
  static constexpr Duration kFirstByteWithin = 10s;
  static constexpr Duration kRequestWithin = 10s;
  static constexpr Duration kNextRequestWithin = 60s;  // also for an answer

  // References outlive the door.
  static Result<std::unique_ptr<FrontDoor>, io::IoError> open(
      io::Loop& loop, const Endpoint& at, Site& site);
  ~FrontDoor();

 private:
  class Visitor;

  FrontDoor(io::Loop& loop, Site& site);
  void on_accepted(io::Connected connected);
  void let_go(Visitor& visitor);

  io::Loop& loop_;
  Site& site_;
  std::unordered_map<Visitor*, std::unique_ptr<Visitor>> visitors_;
  std::unique_ptr<io::TcpListener> listener_;
};

}  // namespace aya::coord
