// One DNS-over-HTTPS server (RFC 8484): questions wait for a connection, which is made when there
// is something to ask and closed after a while of nothing. "https://" speaks HTTP/2 where the
// server does, all questions in one connection, else HTTP/1.1, one question at a time in each of a
// few. "http://" is for the PeerAPI of an exit node, inside the tunnel, and speaks HTTP/1.1.
//
// A question whose connection dies is asked once more in another: the server may have closed an
// idle one just then. Each gets one answer or one failure, after five seconds at the latest. Lives
// on the loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/http/target.h"
#include "proto/io/dial.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"

namespace aya::dns_net {

class DohClientLink {
 public:
  static constexpr Duration kTimeout = 5s;
  static constexpr Duration kIdleFor = 20s;
  static constexpr std::size_t kMaxConnections = 8;
  static constexpr std::size_t kMaxWaiting = 512;  // more fail at once

  using Done = std::function<void(Result<Buffer, std::string> response)>;

  struct Config {
    http::Url url;
    std::vector<IpAddress> addresses;  // of the host; empty: it is looked up
    io::SocketOptions socket;
  };

  // The references outlive the link.
  DohClientLink(io::Loop& loop, Logger& log, tls::TlsClientContext& roots, Config config);
  ~DohClientLink();  // forgets what is waiting
  DohClientLink(const DohClientLink&) = delete;
  DohClientLink& operator=(const DohClientLink&) = delete;

  // `done` is called from the loop, never from within this.
  void ask(Buffer query, Done done);

  bool is_idle() const { return questions_.empty() && connections_.empty(); }
  const std::vector<IpAddress>& addresses() const { return config_.addresses; }

 private:
  class Connection;
  struct Question {
    Buffer query;
    Done done;
    TimePoint deadline;
    bool retried = false;
  };
  using Number = std::uint64_t;

  void pump();
  void on_connection_over(Number connection, const std::string& why);
  void retry(Number question, const std::string& why);
  void finish(Number question, Result<Buffer, std::string> response);
  void on_timer();
  void arm();

  io::Loop& loop_;
  Logger& log_;
  tls::TlsClientContext& roots_;
  Config config_;
  std::map<Number, Question> questions_;
  std::deque<Number> waiting_;  // those without a connection
  std::map<Number, std::shared_ptr<Connection>> connections_;
  Number last_ = 0;
  bool speaks_h2_ = false;  // as the last connection found out
  std::string last_problem_;
  io::Timer timer_;
};

}  // namespace aya::dns_net
