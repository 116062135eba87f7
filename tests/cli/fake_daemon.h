// A daemon's local interface without a daemon: LocalApi over a RecordedHost, behind a real unix
// socket, on a thread of its own. Set the host up first; look at it again after stop().
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>

#include "daemon/localapi/local_api.h"
#include "proto/http/http1_parser.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/recorded_host.h"

namespace aya::test {

class FakeDaemon {
 public:
  // `caller` is who every client is taken for.
  FakeDaemon(RecordedHost& host, std::string path, std::uint32_t caller = 0);
  ~FakeDaemon() { stop(); }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  void stop();

  // Answers of routes that this daemon's host knows nothing of: by route, without its query. Before
  // the first request.
  struct Canned {
    int status = 200;
    std::string body;
  };
  void answer_instead(std::map<std::string, Canned> answers) { canned_ = std::move(answers); }

 private:
  struct Client {
    http::RequestParser parser;
    std::uint64_t exchange = 0;
  };

  void serve();
  void accept_one();
  bool read_from(int fd);  // false: it left
  void write_effects();
  void drop(int fd);

  RecordedHost& host_;
  std::uint32_t caller_;
  SeededRng rng_;
  localapi::LocalApi api_;
  localapi::LocalEffects effects_;
  int listener_ = -1;
  std::map<int, Client> clients_;
  std::map<std::uint64_t, int> fds_;  // by exchange
  std::map<std::string, Canned> canned_;
  std::uint64_t last_exchange_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace aya::test
