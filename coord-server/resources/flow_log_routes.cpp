// Who talked with whom, as the nodes have told (interfaces 1.11).
#include "coord-server/flow_logs/window_text.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/time_range.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

// An answer is made in memory, and nothing is left out of one: what is more has to be asked for in
// pieces.
constexpr std::uint64_t kLongestAnswer = std::uint64_t{32} << 20;

}  // namespace

// From `start` on and before `end`, which makes pieces that do not overlap. `logs` is the only
// member: clients read it as it comes, and take nothing else.
Answer<http::Response> flow_log(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto range = time_range(c.request);
  if (!range) return range.error();
  const std::string node = http::query_value(c.request.query(), "node").value_or("");
  const store::FlowQuery wanted{range->start, range->end, node};
  const auto size = c.storage.size_of_flows((*account)->id, wanted);
  if (!size) return ApiError::of(size.error());
  if (size->bytes > kLongestAnswer) {
    return ApiError::bad_request(
        "there is too much between start and end; ask for a shorter time");
  }
  std::string text = R"({"logs":[)";
  text.reserve(size->bytes);
  std::size_t rows = 0;
  auto walked = c.storage.each_flow((*account)->id, wanted, [&](const store::FlowRow& row) {
    text += (rows++ > 0 ? "," : "") + flow_logs::entry_text(row);
  });
  if (!walked) return ApiError::of(walked.error());
  text += "]}";
  return http::Response::json(200, text);
}

}  // namespace aya::resources
