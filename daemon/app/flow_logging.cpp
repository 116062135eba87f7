#include "daemon/app/flow_logging.h"

namespace aya::app {

FlowLogging::FlowLogging(io::Loop& loop, Rng& rng, Host& host)
    : loop_(loop), host_(host), log_(rng), timer_(loop, [this] { work(); }) {}

void FlowLogging::on_map(const control::Node& self) {
  const bool on = self.cap_map.contains(control::kFlowLogsCapability);
  log_.set(self.stable_id, on, loop_.now());
  settle();
}

void FlowLogging::on_answer(const coord::FlowReportAnswer& answer) {
  log_.on_answer(answer.status, answer.retry_after, loop_.now());
  settle();
}

void FlowLogging::work() {
  log_.advance(loop_.now(), loop_.wall_now());
  if (auto report = log_.take_report(loop_.now())) {
    // While the server is away there is nobody to spare: it is told soon after it is back.
    const bool sent = host_.send_flow_report(*std::move(report));
    if (!sent) log_.on_answer(0, flow_logs::FlowLog::kWindow, loop_.now());
  }
  settle();
}

void FlowLogging::settle() {
  host_.set_flow_counter(log_.counter());
  timer_.arm(log_.next_deadline());
}

}  // namespace aya::app
