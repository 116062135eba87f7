// The sockets of the resolver, around the pure room daemon/dns: questions that come by TCP
// (question_link.h), and the servers that are asked (upstream_link.h, doh_client_link.h).
//
// QuestionLink takes DNS by TCP (RFC 7766) on sockets at the node's own overlay addresses, to which
// dns::TcpDoor leads what the host sends to port 53 of a service address. Whoever finds the socket
// by itself does not come from a service address, and is turned away.
//
// A connection may send questions ahead; answers go back as they come, in any order. One that has
// nothing outstanding and stays silent for ten seconds is closed. Lives on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "proto/io/tcp_stream.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"

namespace aya::dns_net {

class QuestionLink {
 public:
  static constexpr std::size_t kMaxConnections = 128;  // more are closed at once
  static constexpr std::size_t kMaxOutstanding = 32;   // of one connection, which then waits
  static constexpr Duration kIdleFor = 10s;

  using Reply = std::function<void(Bytes response)>;  // may come at any time, or never
  // Called from the loop. What is no query is passed on too.
  using OnQuestion = std::function<void(Bytes query, Reply reply)>;

  struct Counters {
    std::uint64_t accepted = 0, strangers = 0, overload = 0, questions = 0;
  };

  QuestionLink(io::Loop& loop, Logger& log, OnQuestion on_question);
  ~QuestionLink();
  QuestionLink(const QuestionLink&) = delete;
  QuestionLink& operator=(const QuestionLink&) = delete;

  // Listens on these addresses, which the host must have, instead of those before. What cannot be
  // listened on is logged and left out; the next call tries again.
  void listen_on(const std::vector<IpAddress>& own);
  std::vector<Endpoint> listeners() const;

  std::size_t connections() const { return connections_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  class Connection;
  void accept(io::Connected connected);
  void drop(std::uint64_t number);

  io::Loop& loop_;
  Logger& log_;
  OnQuestion on_question_;
  std::map<IpAddress, std::unique_ptr<io::TcpListener>> listeners_;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::uint64_t last_connection_ = 0;
  Counters counters_;
};

}  // namespace aya::dns_net
