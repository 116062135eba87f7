// Coord's reports of what the node has counted.
#include "daemon/coord/coord.h"
#include "proto/control/json_text.h"

namespace aya::coord {
namespace {

constexpr int kTooMany = 429;

}  // namespace

bool Coord::send_flow_report(control::FlowReport report, Moment now, Effects& out) {
  if (!in_poll() || reporting_ || session() == nullptr) return false;
  report.node_key = login_.identity().node_key.public_key();
  const auto stream = session()->post_json(control::kFlowReportPath, control::encode(report));
  if (!stream) return false;
  reporting_ = Request{*stream, now.steady + kRequestTimeout};
  flush(out);
  return true;
}

void Coord::on_flow_report_answer(const http::Response& response, Effects& out) {
  reporting_.reset();
  auto& answer = out.flow_report_answer.emplace();
  answer.status = response.status;
  if (response.status == kTooMany) {
    answer.retry_after = retry_after(response.headers.get("Retry-After"), rng_);
  }
}

void Coord::give_up_report(Effects& out) {
  reporting_.reset();
  out.flow_report_answer = FlowReportAnswer{};
}

}  // namespace aya::coord
