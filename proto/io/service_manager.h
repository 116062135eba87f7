// Tells the service manager that started this program how it is (sd_notify(3)): ready, stopping,
// and, where it wants to hear so from time to time, alive. Where nobody asked ($NOTIFY_SOCKET is not
// set) nothing is said. For the rules of lifetime see loop.h.
#pragma once

#include <memory>

#include "proto/io/timer.h"

namespace aya::io {

class ServiceManager {
 public:
  explicit ServiceManager(Loop& loop);
  // Says that the program is stopping.
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // Everything listens. From now on the loop itself says that it turns ($WATCHDOG_USEC).
  void ready();

 private:
  void say(const char* what);
  void say_alive();

  int socket_ = -1;  // connected to the manager
  Duration alive_every_{};  // 0: it need not be said
  Timer alive_;
};

}  // namespace aya::io
