#include "coord-server/serve/flow_reports.h"

#include "coord-server/flow_logs/flow_rows.h"

namespace aya::serve {

const char* FlowReports::to_text(End end) {
  switch (end) {
    case End::Stored:
      return "stored";
    case End::Off:
      return "off";
    case End::Bad:
      return "bad";
    case End::TooOften:
      return "too_often";
    case End::Failed:
      break;
  }
  return "failed";
}

http::Response FlowReports::end(End how, int status, std::string_view text) {
  ++ends_[static_cast<std::size_t>(how)];
  return http::Response::text(status, text);
}

http::Response FlowReports::take(
    const http::Request& request, const MachinePublicKey& machine, WallTime now) {
  if (const auto wait = rate_.refuse(machine.to_text(), now)) {
    http::Response refused = end(End::TooOften, 429, "too many reports");
    refused.headers.set("Retry-After", std::to_string(wait->count()));
    return refused;
  }
  const auto report = flow_logs::read_report(as_text(request.body));
  if (!report) return end(End::Bad, 400, report.error());
  const nodes::Node* node = registry_.find(report->node_key);
  // Not 404: that is for servers without flow logs.
  if (node == nullptr || node->record.machine != machine) {
    return end(End::Bad, 403, "this is no node of yours");
  }
  if (!registry_.account(node->account())->settings.flow_logging) {
    return end(End::Off, 403, "flow logs are switched off in this network");
  }
  const auto batch = flow_logs::rows_of(*report, node->id(), node->record.stable_id, now);
  if (!batch) return end(End::Bad, 400, batch.error());
  const auto stored = storage_.add_flows(node->account(), *batch);
  if (!stored) return end(End::Failed, 503, "try again");
  windows_ += *stored;
  return end(End::Stored, 200, "");
}

}  // namespace aya::serve
