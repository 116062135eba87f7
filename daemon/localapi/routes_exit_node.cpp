// The routes about the node that carries this one's Internet traffic.
#include "daemon/localapi/call.h"
#include "proto/base/parse_number.h"

namespace aya::localapi {
namespace {

using namespace local;

constexpr std::uint64_t kLongestCheckSeconds = 60;
constexpr Duration kUsualCheck = 5s;

}  // namespace

// Old clients use GET.
void LocalApi::suggest_exit_node(const Call& call) {
  const auto suggestion = host_.suggest_exit_node();
  if (!suggestion) {
    return answer_json(call, 500, error_json("error", suggestion.error()) + "\n");
  }
  answer_json(call, 200, to_json_line(*suggestion) + "\n");
}

void LocalApi::set_use_exit_node_enabled(const Call& call) {
  const std::string enabled = call.query("enabled");
  if (enabled != "true" && enabled != "false") {
    return answer_text(call, 400, "invalid 'enabled' parameter");
  }
  const Prefs before = host_.prefs();
  const auto next = with_exit_node_enabled(before, enabled == "true");
  if (!next) return answer_text(call, 500, next.error());
  if (*next != before) {
    if (const auto refused = host_.set_prefs(*next)) return answer_text(call, 500, *refused);
    announce_prefs(call.out);
  }
  answer_json(call, 200, to_json(host_.prefs()));
}

void LocalApi::exit_nodes(const Call& call) {
  waiting_.insert(call.exchange);
  host_.exit_nodes(call.exchange, call.query("probe") == "true");
}

void LocalApi::check_internet(const Call& call) {
  InternetRequest request{kUsualCheck, call.query("without")};
  if (const std::string text = call.query("milliseconds"); !text.empty()) {
    const auto count = parse_number<std::uint64_t>(text);
    if (!count || *count == 0 || *count > kLongestCheckSeconds * 1000) {
      return answer_text(call, 400, "'milliseconds' is 1 to 60000");
    }
    request.timeout = std::chrono::milliseconds(*count);
  }
  waiting_.insert(call.exchange);
  host_.check_internet(call.exchange, request);
}

void LocalApi::later_done(ExchangeId exchange, const std::string& json, LocalEffects& out) {
  if (waiting_.erase(exchange) == 0) return;
  answer(exchange, http::Response::json(200, json), out);
}

}  // namespace aya::localapi
