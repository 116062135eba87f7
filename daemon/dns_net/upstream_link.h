// The way to upstream DNS servers, for dns::Forwarder: by UDP, by TCP, over HTTPS. The sockets
// carry no mark: queries take the way that the host's own would take, into the tunnel if a peer is
// meant or an exit node is in use, so that nothing leaks beside it.
//
// UDP leaves from sockets that live for a few queries each, so that a forger has to guess the port
// as well as the id. A TCP connection serves one query. Lives on the loop's thread.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "daemon/dns/forwarder.h"
#include "daemon/dns_net/doh_client_link.h"
#include "proto/io/udp_socket.h"

namespace aya::dns_net {

class UpstreamLink {
 public:
  static constexpr unsigned kQueriesPerSocket = 16;
  static constexpr std::size_t kMaxSockets = 32;  // then they serve longer
  static constexpr std::size_t kMaxTcp = 128;     // at one time; more fail at once
  static constexpr std::size_t kMaxHttpsServers = 64;

  // Called from the loop, never from within send().
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_upstream_response(const Endpoint& from, Bytes response) = 0;
    virtual void on_upstream_stream(const dns::Forwarder::Ticket& ticket, Bytes response) = 0;
    virtual void on_upstream_failure(const dns::Forwarder::Ticket& ticket) = 0;
  };

  struct Parts {
    io::Loop& loop;
    PacketPool& pool;
    Logger& log;
    tls::TlsClientContext& roots;
  };

  // Parts and owner outlive the link.
  UpstreamLink(const Parts& parts, Owner& owner);
  ~UpstreamLink();
  UpstreamLink(const UpstreamLink&) = delete;
  UpstreamLink& operator=(const UpstreamLink&) = delete;

  void send(const dns::Forwarder::Send& query);

 private:
  class Socket;
  class TcpExchange;
  using Ticket = dns::Forwarder::Ticket;

  void send_udp(const Endpoint& to, Bytes query);
  void send_tcp(const dns::Forwarder::Send& query);
  void send_https(const dns::Forwarder::Send& query);
  DohClientLink* client_for(const dns::Upstream& server);
  void fail_later(const Ticket& ticket);
  void end_tcp(const Ticket& ticket, const Result<Buffer, std::string>& response);
  void close_retired();
  void drop_idle_clients();

  Parts parts_;
  Owner& owner_;
  std::deque<std::unique_ptr<Socket>> sockets_;  // the last one is in use
  std::map<Ticket, std::shared_ptr<TcpExchange>> tcp_;
  // Shared with posted tasks: a client may be what calls when it is dropped.
  std::map<dns::Upstream, std::shared_ptr<DohClientLink>> https_;
  io::Timer retire_timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells posted tasks that this is gone
};

}  // namespace aya::dns_net
