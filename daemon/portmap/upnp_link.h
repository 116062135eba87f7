// Speaks to UPnP gateways by miniupnpc, whose calls wait for seconds: each task gets a thread of
// its own, and its answer comes back through the loop. Not libuv's workers, which the program could
// not leave at its end before the slowest gateway has answered.
//
// One for all of the program's run, on the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "daemon/portmap/upnp.h"
#include "proto/io/loop.h"

namespace aya::portmap {

class UpnpLink {
 public:
  // `mark`: of its connections; 0: none.
  UpnpLink(io::Loop& loop, std::uint32_t mark);
  // Waits a moment for mappings that are being given back; other answers come to nobody.
  ~UpnpLink();
  UpnpLink(const UpnpLink&) = delete;
  UpnpLink& operator=(const UpnpLink&) = delete;

  void map(UpnpTask task, std::function<void(const UpnpAnswer&)> done);
  void give_back(UpnpHold hold);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the threads, which may outlive this
};

}  // namespace aya::portmap
