// Runs HostDns on a thread of its own: packets never wait for a disk or for another program's
// answer.
//
// Belongs to the loop's thread, which also gets the news.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "daemon/host_dns/host_dns.h"
#include "proto/io/loop.h"

namespace aya::host_dns {

class HostDnsLink {
 public:
  // What becomes of wishes; both are called from the loop.
  struct News {
    std::function<void()> changed;  // state() is another
    std::function<void()> settled;  // is_settled() is true again
  };

  // What an earlier run left is undone when this returns: whoever resolves a name next finds the
  // host as it was.
  HostDnsLink(io::Loop& loop, Logger& log, Places places, News news);
  ~HostDnsLink();  // restores, and waits for it
  HostDnsLink(const HostDnsLink&) = delete;
  HostDnsLink& operator=(const HostDnsLink&) = delete;

  // Begins empty; what the host is like is news like any other.
  const State& state() const { return state_; }

  // Whether the last wish has been tried. If in vain, state() says why.
  bool is_settled() const { return tried_ == asked_; }

  enum class Wait { No, Yes };  // until it is done

  void apply(const Wanted& wanted);  // returns at once; the last wish counts
  void restore(Wait wait);

 private:
  struct Shared;
  void on_tried(std::uint64_t wish);

  State state_;
  News news_;
  std::uint64_t asked_ = 0, tried_ = 0;  // numbers of wishes
  std::shared_ptr<Shared> shared_;  // also of news that is still on its way when this dies
};

}  // namespace aya::host_dns
