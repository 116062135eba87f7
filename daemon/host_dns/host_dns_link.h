// Runs HostDns on a thread of its own: packets never wait for a disk or for another program's
// answer.
//
// Belongs to the loop's thread, which also gets the news.
#pragma once

#include <functional>
#include <memory>

#include "daemon/host_dns/host_dns.h"
#include "proto/io/loop.h"

namespace aya::host_dns {

class HostDnsLink {
 public:
  // What an earlier run left is undone when this returns: whoever resolves a name next finds the
  // host as it was. `changed` is called from the loop whenever state() has changed.
  HostDnsLink(io::Loop& loop, Logger& log, Places places, std::function<void()> changed);
  ~HostDnsLink();  // restores, and waits for it
  HostDnsLink(const HostDnsLink&) = delete;
  HostDnsLink& operator=(const HostDnsLink&) = delete;

  // Begins empty; what the host is like is news like any other.
  const State& state() const { return state_; }

  enum class Wait { No, Yes };  // until it is done

  void apply(const Wanted& wanted);  // returns at once; the last wish counts
  void restore(Wait wait);

 private:
  struct Shared;

  State state_;
  std::function<void()> changed_;
  std::shared_ptr<Shared> shared_;  // also of news that is still on its way when this dies
};

}  // namespace aya::host_dns
