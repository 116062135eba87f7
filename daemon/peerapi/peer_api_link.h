// The sockets of PeerAPI: listens on the node's own overlay addresses and serves HTTP/1.1 to peers.
// Who is no peer is turned away before a byte is read. Lives on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "daemon/peerapi/peer_api.h"
#include "proto/io/http_connection.h"
#include "proto/io/tcp_stream.h"
#include "proto/netaddr/endpoint.h"

namespace aya::peerapi {

class PeerApiLink final : public io::HttpConnection::Owner {
 public:
  static constexpr std::size_t kMaxConnections = 512;
  static constexpr std::size_t kMaxPerPeer = 32;

  using Reply = std::function<void(Bytes response)>;

  // Called from the loop.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual std::optional<Caller> who_is(const IpAddress& address) = 0;  // nullopt: no peer
    virtual std::vector<std::string> filtered_names() = 0;
    // `reply` may be called at any time, also when nobody waits any more; not from within.
    virtual void resolve(Bytes query, Reply reply) = 0;
  };

  struct Counters {
    std::uint64_t accepted = 0, strangers = 0, overload = 0, questions = 0;
  };

  PeerApiLink(io::Loop& loop, Owner& owner);
  ~PeerApiLink() override;

  // Listens on these addresses, which the host must have, instead of those before. The ports are
  // the same every time unless somebody else has them: peers remember them.
  void listen_on(const std::vector<IpAddress>& own);
  std::vector<Endpoint> listeners() const;  // fewer than addresses where one cannot be had

  const Counters& counters() const { return counters_; }

 private:
  struct Client {
    std::unique_ptr<io::HttpConnection> connection;
    IpAddress address;
    std::uint64_t exchange = 0;  // being answered; 0: none
  };

  std::unique_ptr<io::TcpListener> listen(const IpAddress& own);
  void accept(io::Connected connected);
  void on_request(io::HttpConnection& connection, http::Request request) override;
  void on_closed(io::HttpConnection& connection) override;

  io::Loop& loop_;
  Owner& owner_;
  std::map<IpAddress, std::unique_ptr<io::TcpListener>> listeners_;
  std::map<const io::HttpConnection*, Client> clients_;
  std::map<IpAddress, std::size_t> per_peer_;
  std::uint64_t last_exchange_ = 0;
  Counters counters_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells late replies that this is gone
};

}  // namespace aya::peerapi
