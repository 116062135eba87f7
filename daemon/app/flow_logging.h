// Flow logs of the running node: the timer of FlowLog, and its way to the mesh and to the server.
// Lives on the loop's thread; references outlive it.
#pragma once

#include "daemon/coord/coord_link.h"
#include "daemon/flow_logs/flow_log.h"
#include "proto/control/node.h"
#include "proto/io/timer.h"

namespace aya::app {

class FlowLogging {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    // The mesh that runs, if one does, is to count here from now on.
    virtual void set_flow_counter(flow_logs::FlowCounter* counter) = 0;
    virtual bool send_flow_report(control::FlowReport report) = 0;  // as Coord has it
  };

  FlowLogging(io::Loop& loop, Rng& rng, Host& host);

  void on_map(const control::Node& self);
  void on_answer(const coord::FlowReportAnswer& answer);

  flow_logs::FlowCounter* counter() { return log_.counter(); }
  flow_logs::FlowLog::Counters counters() const { return log_.counters(); }

 private:
  void work();
  void settle();  // after what may have switched it on or off

  io::Loop& loop_;
  Host& host_;
  flow_logs::FlowLog log_;
  io::Timer timer_;
};

}  // namespace aya::app
