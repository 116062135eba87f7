// The routes that change something.
#include "daemon/localapi/call.h"

namespace aya::localapi {
namespace {

using namespace local;

// Why these prefs may not replace the current ones.
std::optional<std::string> replacement_refusal(const Prefs& current, const Prefs& next) {
  MaskedPrefs edit = difference(current, next);
  // Whole prefs carry it along; only a masked edit can mean to change it.
  std::erase(edit.mask, "InternalExitNodePrior");
  return refusal(edit);
}

}  // namespace

void LocalApi::announce_prefs(LocalEffects& out) {
  Notify change;
  change.prefs = host_.prefs();
  bus_.announce(change, out);
}

void LocalApi::prefs(const Call& call) {
  const std::string& method = call.request.method;
  if (method == "GET" || method == "HEAD") return answer_json(call, 200, to_json(host_.prefs()));
  if (method != "PATCH") return answer_text(call, 405, "unsupported method");
  const auto edit = parse_masked_prefs(call.body());
  if (!edit) return answer_text(call, 400, edit.error());
  auto refused = refusal(*edit);
  if (!refused) refused = host_.set_prefs(apply(*edit, host_.prefs()));
  if (refused) return answer_json(call, 400, error_json("Error", *refused) + "\n");
  answer_json(call, 200, to_json(host_.prefs()));
  announce_prefs(call.out);
}

void LocalApi::check_prefs(const Call& call) {
  const auto prefs = parse_prefs(call.body());
  if (!prefs) return answer_text(call, 400, "invalid JSON body");
  const auto refused = replacement_refusal(host_.prefs(), *prefs);
  answer_json(call, 200, (refused ? error_json("Error", *refused) : "{}") + "\n");
}

void LocalApi::start(const Call& call) {
  const auto request = parse_start_request(call.body());
  if (!request) return answer_text(call, 400, request.error());
  std::optional<std::string> refused;
  if (request->update_prefs) {
    refused = replacement_refusal(host_.prefs(), *request->update_prefs);
  }
  if (refused) return answer_text(call, 400, *refused);
  if (const auto failed = host_.start(*request)) return answer_text(call, 500, *failed);
  answer(call.exchange, {.status = 204, .headers = {}, .body = {}}, call.out);
  if (request->update_prefs) announce_prefs(call.out);
}

void LocalApi::login_interactive(const Call& call) {
  host_.login_interactive();
  answer(call.exchange, {.status = 204, .headers = {}, .body = {}}, call.out);
}

void LocalApi::logout(const Call& call) {
  host_.logout();
  answer(call.exchange, {.status = 204, .headers = {}, .body = {}}, call.out);
}

void LocalApi::shutdown(const Call& call) {
  answer_text(call, 200, "shutting down");
  host_.shutdown();
}

// There is no configuration file to reload.
void LocalApi::reload_config(const Call& call) {
  answer_json(call, 200, "{\"Reloaded\":false,\"Err\":\"\"}\n");
}

void LocalApi::serve_config(const Call& call) {
  if (call.request.method == "GET") return answer_json(call, 200, "{}");
  answer_text(call, 501, "serving is not implemented by this daemon");
}

void LocalApi::debug(const Call& call) {
  const std::string action = call.query("action");
  if (action.empty()) return answer_text(call, 400, "missing parameter 'action'");
  if (action == "rebind") {
    host_.rebind();
  } else if (action == "restun") {
    host_.restun();
  } else {
    return answer_text(call, 400, "unknown action \"" + action + "\"");
  }
  answer_text(call, 200, "done");
}

}  // namespace aya::localapi
