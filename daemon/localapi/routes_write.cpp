// The routes that change something.
#include <algorithm>

#include "daemon/localapi/call.h"
#include "proto/base/parse_number.h"

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

// Another login is another set of settings.
void LocalApi::change_profile(
    const Call& call, const std::optional<std::string>& refused, int done) {
  if (refused) return answer_text(call, 500, *refused);
  answer(call.exchange, {.status = done, .headers = {}, .body = {}}, call.out);
  announce_prefs(call.out);
}

void LocalApi::profiles(const Call& call) {
  constexpr std::string_view kAll = "/localapi/v0/profiles/";
  const std::string id(call.request.path().substr(kAll.size()));
  const std::string& method = call.request.method;
  if (id.empty()) {
    if (method == "PUT") return change_profile(call, host_.new_profile(), 201);
    if (method != "GET") return answer_text(call, 405, "use GET or PUT");
    return answer_json(call, 200, to_json_line(host_.profiles()) + "\n");
  }
  if (id == "current") {
    if (method != "GET") return answer_text(call, 405, "use GET");
    return answer_json(call, 200, to_json_line(host_.current_profile()) + "\n");
  }
  const std::vector<LoginProfile> all = host_.profiles();
  const auto found = std::ranges::find(all, id, &LoginProfile::id);
  if (method == "GET") {
    if (found == all.end()) return answer_text(call, 404, "Profile not found");
    return answer_json(call, 200, to_json_line(*found) + "\n");
  }
  if (method == "POST") {
    if (found == all.end()) return answer_text(call, 500, "profile not found");
    return change_profile(call, host_.switch_profile(id), 204);
  }
  if (method != "DELETE") return answer_text(call, 405, "use GET, POST or DELETE");
  if (found == all.end()) {  // it is as gone as it was to be
    return answer(call.exchange, {.status = 204, .headers = {}, .body = {}}, call.out);
  }
  change_profile(call, host_.delete_profile(id), 204);
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

void LocalApi::set_expiry_sooner(const Call& call) {
  if (!parse_number<std::int64_t>(call.query("expiry"))) {
    return answer_text(call, 400, "can't parse expiry time, expects a unix timestamp");
  }
  answer_text(call, 501, "keys expire when the server says; use `ayatori-coord node expire`");
}

void LocalApi::shutdown(const Call& call) {
  answer_text(call, 200, "shutting down");
  host_.shutdown();
}

void LocalApi::reload_config(const Call& call) {
  const ConfigReload done = host_.reload_config();
  const std::string err = error_json("Err", done.err);
  answer_json(
      call, 200,
      std::string("{\"Reloaded\":") + (done.reloaded ? "true," : "false,") + err.substr(1) + "\n");
}

void LocalApi::serve_config(const Call& call) {
  if (call.request.method == "GET") return answer_json(call, 200, "{}");
  // Nothing is served, so nothing has a tag that could match, and serving nothing is done already.
  if (!call.request.headers.get("If-Match").empty()) return answer_text(call, 412, "etag mismatch");
  if (call.body() == "{}") {
    http::Response done;
    done.status = 200;
    return answer(call.exchange, std::move(done), call.out);
  }
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
