// Who changed what, when and from where (interfaces 1.11).
#include "coord-server/api/json.h"
#include "coord-server/log_streams/entry_json.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/time_range.h"
#include "proto/base/hex.h"
#include "proto/base/parse_number.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

constexpr std::size_t kMostAuditLines = 10'000;
constexpr std::size_t kVerifiedAtOnce = 5'000;  // some ten milliseconds for nothing else

const char* fault_name(store::AuditFault::Kind kind) {
  switch (kind) {
    case store::AuditFault::Kind::Changed:
      return "changed";
    case store::AuditFault::Kind::Misplaced:
      return "misplaced";
    case store::AuditFault::Kind::CutOff:
      break;
  }
  return "cutOff";
}

}  // namespace

Answer<http::Response> audit_log(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto range = time_range(c.request);
  if (!range) return range.error();
  const auto wanted = [&](const char* name) {
    return http::query_value(c.request.query(), name).value_or("");
  };
  const store::AuditQuery query{
      range->start, range->end, wanted("actor"), wanted("target"), wanted("event")};
  auto lines = c.storage.audit_log((*account)->id, query, kMostAuditLines);
  if (!lines) return ApiError::of(lines.error());
  Json logs = Json::array();
  for (const store::AuditEntry& line : *lines) logs.push_back(log_streams::entry_json(line));
  return http::Response::json(
      200, text_of({{"version", "1.1"}, {"tailnet", (*account)->name}, {"logs", std::move(logs)}}));
}

// Is the log what was written? A piece of it at a time; `nextCursor` leads on.
Answer<http::Response> verify_audit_log(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const std::string cursor = http::query_value(c.request.query(), "cursor").value_or("0");
  const auto after = parse_number<std::int64_t>(cursor);
  if (!after || *after < 0) return ApiError::bad_request("cursor: want one that was given here");
  auto walk = c.storage.check_audit((*account)->id, *after, kVerifiedAtOnce);
  if (!walk) return ApiError::of(walk.error());
  Json faults = Json::array();
  for (const store::AuditFault& fault : walk->faults) {
    faults.push_back({{"line", fault.line}, {"kind", fault_name(fault.kind)}});
  }
  Json out = {
      {"tailnet", (*account)->name},
      {"lines", walk->lines},
      {"hash", to_hex(walk->hash)},
      {"faults", std::move(faults)}};
  if (!walk->at_end) out["nextCursor"] = std::to_string(walk->up_to);
  return http::Response::json(200, text_of(out));
}

}  // namespace aya::resources
