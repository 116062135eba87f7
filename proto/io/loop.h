// proto/io is the shell around the pure rooms: the only place of proto/ that knows sockets, clocks
// and threads. libuv underneath, and nowhere in a header.
//
// Rules that hold for every class of this room:
//  - An object belongs to the thread that runs its Loop, and dies before the Loop does. Loop::post
//    is the only call for other threads.
//  - Callbacks come from Loop::run() and never from inside a call that the owner makes.
//  - A callback may destroy any object of this room, the one that called it included. After its
//    destructor (or close()) has returned an object calls back no more.
//
// Loop itself: one event loop, one thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proto/base/time.h"

struct uv_loop_s;

namespace aya::io {

class Loop {
 public:
  Loop();
  ~Loop();  // closes what still lingers (sockets that were flushing their last bytes)
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  TimePoint now() const;
  WallTime wall_now() const;

  void run();   // until stop()
  void stop();  // also before run(), which then returns at once
  // For tests and short commands: runs until `done` says so; false when `limit` came first.
  bool run_until(const std::function<bool()>& done, Duration limit);

  // Calls `signaled` with the number whenever one of these arrives. Once per program.
  void on_signals(const std::vector<int>& signals, std::function<void(int)> signaled);

  // Runs `task` on the loop's thread, in order of posting. Any thread.
  void post(std::function<void()> task);

  uv_loop_s* uv();  // for this room and for the *_link files that own further handles

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::io
