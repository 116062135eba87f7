// The unix socket of the local interface: connections, credentials and streams for LocalApi. Lives
// on the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/localapi/local_api.h"
#include "proto/io/http_connection.h"
#include "proto/io/splice.h"
#include "proto/io/timer.h"
#include "proto/io/unix_stream.h"

namespace aya::localapi {

class LocalLink final : public io::HttpConnection::Owner {
 public:
  // Listens at `path`. The references outlive the link.
  static Result<std::unique_ptr<LocalLink>, io::IoError> open(
      io::Loop& loop, LocalHost& host, Rng& rng, const std::string& path, LocalApiOptions options);
  ~LocalLink() override;

  void ping_done(ExchangeId exchange, const local::PingResult& result);
  void netcheck_done(ExchangeId exchange, const local::RawJson& report);
  void dns_query_done(ExchangeId exchange, const Result<local::DnsAnswer, DnsFailure>& outcome);
  // `stream` where it is connected.
  void dial_done(
      ExchangeId exchange, const DialOutcome& outcome, std::unique_ptr<io::ByteStream> stream);
  void later_done(ExchangeId exchange, const std::string& json);
  void announce(const local::Notify& change);
  void net_map_changed();

 private:
  // A client that has not read this much of the bus is cut off; it may come back.
  static constexpr std::size_t kSlowClient = 4 * 1024 * 1024;

  struct Client {
    std::unique_ptr<io::HttpConnection> connection;
    Caller caller;
    std::optional<ExchangeId> exchange;  // the one being answered
    bool streaming = false;
  };

  LocalLink(io::Loop& loop, LocalHost& host, Rng& rng, LocalApiOptions options);

  void on_connection(
      std::unique_ptr<io::ByteStream> stream, std::optional<io::PeerCredentials> who);
  void on_request(io::HttpConnection& connection, http::Request request) override;
  void on_closed(io::HttpConnection& connection) override;
  void carry_out();
  Client* client_of(ExchangeId exchange);
  void drop(const io::HttpConnection& connection);
  void join(const LocalEffects::Pipe& pipe);

  io::Loop& loop_;
  LocalApi api_;
  std::unique_ptr<io::UnixListener> listener_;
  std::map<const io::HttpConnection*, Client> clients_;
  std::map<ExchangeId, const io::HttpConnection*> exchanges_;
  std::unique_ptr<io::ByteStream> dialled_;  // during dial_done
  std::map<ExchangeId, std::unique_ptr<io::Splice>> pipes_;
  std::uint64_t last_exchange_ = 0;
  LocalEffects effects_;
  io::Timer timer_;
};

}  // namespace aya::localapi
