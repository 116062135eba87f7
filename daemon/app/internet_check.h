// What programs on this host experience of the Internet: does the server answer, does a name
// resolve, is a TCP connection made? Sockets here carry no mark, so that they go wherever the
// host's own traffic goes: through the exit node, if one is in use. Each test is repeated until it
// passes or time is up. Lives on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/rng.h"
#include "proto/io/dial.h"
#include "proto/io/http_client.h"
#include "proto/io/timer.h"
#include "proto/io/udp_socket.h"
#include "proto/local/exit_nodes.h"

namespace aya::app {

struct InternetTargets {
  std::string server_url;                // empty: that test is skipped
  tls::TlsClientContext* tls = nullptr;  // for https; borrowed while the check lives
  std::vector<Endpoint> resolvers;       // of the host, first one first; empty: skipped
  std::string name;                      // to be resolved
  std::optional<io::DialTarget> tcp;     // absent: skipped
  std::string without;                   // names of tests that are not wanted, with commas between
};

class InternetCheck {
 public:
  using Done = std::function<void(local::InternetCheck)>;

  // Calls `done` once, from the loop. Destroying the object gives up.
  InternetCheck(
      io::Loop& loop, PacketPool& pool, Rng& rng, InternetTargets targets, Duration timeout,
      Done done);
  ~InternetCheck();
  InternetCheck(const InternetCheck&) = delete;
  InternetCheck& operator=(const InternetCheck&) = delete;

 private:
  class Test;
  class ServerTest;
  class NameTest;
  class TcpTest;

  void begin(std::unique_ptr<Test> test);
  void finish();

  io::Loop& loop_;
  TimePoint deadline_at_;
  Done done_;
  std::string egress_;
  std::vector<std::unique_ptr<Test>> tests_;
  io::Timer deadline_;
};

}  // namespace aya::app
