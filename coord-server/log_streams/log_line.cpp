#include "coord-server/log_streams/log_line.h"

#include "coord-server/flow_logs/window_text.h"
#include "coord-server/log_streams/entry_json.h"
#include "proto/base/hex.h"

namespace aya::log_streams {
namespace {

using Json = nlohmann::json;

std::string summary_of(const Json& event) {
  const Json &actor = event.at("actor"), &target = event.at("target");
  std::string out;
  for (const Json* part :
       {&actor.at("loginName"), &event.at("action"), &target.at("type"), &target.at("name")}) {
    const std::string text = part->is_string() ? part->get<std::string>() : "";
    out += (out.empty() || text.empty() ? "" : " ") + text;
  }
  return out;
}

}  // namespace

LogLine line_of(const store::AuditLine& line, std::size_t longest) {
  Json event = entry_json(line.entry);
  event["ayatori"]["line"] = line.number;
  event["ayatori"]["hash"] = to_hex(line.hash);
  LogLine out{line.number, line.entry.time, to_hex(line.hash), text_of(event), summary_of(event)};
  if (out.event.size() <= longest) return out;
  for (const char* name : {"old", "new"}) event[name] = nullptr;
  event["ayatori"]["leftOut"] = {"old", "new"};
  out.event = text_of(event);
  return out;
}

LogLine line_of(const store::FlowRow& row) {
  const std::string number = std::to_string(row.number);
  std::string event = flow_logs::entry_text(row);
  event.pop_back();
  event += R"(,"ayatori":{"line":)" + number + "}}";
  return {row.number, row.start, row.node + '-' + number, std::move(event), "flows of " + row.node};
}

}  // namespace aya::log_streams
