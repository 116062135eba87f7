// What an edit of prefs means, and which edits are refused.
#include <algorithm>

#include "proto/base/hex.h"
#include "proto/local/prefs_fields.h"

namespace aya::local {
namespace {

constexpr std::string_view kPinPrefix = "sha256-raw:";

bool is_server_cert_pin(std::string_view text) {
  if (!text.starts_with(kPinPrefix)) return false;
  const auto digest = parse_hex(text.substr(kPinPrefix.size()));
  return digest && digest->size() == 32;
}

// Three fields say one thing. Whichever of them a client wrote decides, and the others follow.
void settle_exit_node(const MaskedPrefs& edit, Prefs& prefs) {
  const bool sets_id = edit.sets("ExitNodeID");
  const bool sets_ip = edit.sets("ExitNodeIP");
  const bool sets_auto = edit.sets("AutoExitNode");
  if (sets_id && !sets_ip && !prefs.exit_node_id.empty()) prefs.exit_node_ip.clear();
  if (sets_ip && !sets_id && !prefs.exit_node_ip.empty()) prefs.exit_node_id.clear();
  if ((sets_id || sets_ip) && !sets_auto) prefs.auto_exit_node.clear();
  if (sets_id && prefs.exit_node_id.starts_with(kAutoExitNodePrefix)) {
    prefs.auto_exit_node = prefs.exit_node_id.substr(kAutoExitNodePrefix.size());
  }
  if (!sets_auto) return;
  if (!prefs.auto_exit_node.empty()) {
    // Until a node has been chosen.
    prefs.exit_node_id = std::string(kAutoExitNodePrefix) + prefs.auto_exit_node;
    prefs.exit_node_ip.clear();
  } else if (!sets_id && prefs.exit_node_id.starts_with(kAutoExitNodePrefix)) {
    prefs.exit_node_id.clear();
  }
}

}  // namespace

std::string exit_node_choice(const Prefs& prefs) {
  if (!prefs.auto_exit_node.empty()) return std::string(kAutoExitNodePrefix) + prefs.auto_exit_node;
  return prefs.exit_node_id.empty() ? prefs.exit_node_ip : prefs.exit_node_id;
}

Prefs with_exit_node_choice(Prefs prefs, std::string_view choice) {
  const bool is_auto = choice.starts_with(kAutoExitNodePrefix);
  const bool is_address = !is_auto && IpAddress::parse(choice).has_value();
  prefs.auto_exit_node = is_auto ? choice.substr(kAutoExitNodePrefix.size()) : "";
  prefs.exit_node_id = is_address ? "" : choice;
  prefs.exit_node_ip = is_address ? choice : "";
  return prefs;
}

Result<Prefs, std::string> with_exit_node_enabled(const Prefs& prefs, bool enabled) {
  const std::string choice = exit_node_choice(prefs);
  if (enabled == !choice.empty()) return prefs;
  if (!enabled) {
    Prefs out = with_exit_node_choice(prefs, "");
    out.internal_exit_node_prior = choice;
    return out;
  }
  if (prefs.internal_exit_node_prior.empty()) {
    return std::string(
        "no exit node IP to enable & prior exit node IP was never resolved an a node");
  }
  return with_exit_node_choice(prefs, prefs.internal_exit_node_prior);
}

std::optional<std::string> refusal(const MaskedPrefs& edit) {
  if (edit.sets("InternalExitNodePrior")) return "can't set Internal fields";
  if (edit.sets("AdvertiseRoutes")) {
    for (const Prefix& route : edit.values.advertise_routes) {
      if (route.is_canonical()) continue;
      return "route " + route.to_text() + " has non-address bits set; expected " +
             route.masked().to_text();
    }
  }
  if (edit.sets("RouteMaps")) {
    if (auto refused = contradiction(edit.values.route_maps)) return refused;
  }
  if (edit.sets("ControlURL")) {
    const std::string& url = edit.values.control_url;
    if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://")) {
      return "the control URL must begin with https:// or http://";
    }
  }
  if (edit.sets("ServerCertPin") && !edit.values.server_cert_pin.empty() &&
      !is_server_cert_pin(edit.values.server_cert_pin)) {
    return "a server certificate pin is sha256-raw: followed by 64 hex digits";
  }
  if (edit.sets("ResumeAt") && !edit.values.resume_at.empty() &&
      !parse_rfc3339(edit.values.resume_at)) {
    return "the time to come up again must be like 2026-01-02T03:04:05Z";
  }
  return std::nullopt;
}

Prefs apply(const MaskedPrefs& edit, const Prefs& to) {
  Prefs out = to;
  visit_fields(
      [&edit](std::string_view name, Printed, const auto& from, auto& into) {
        if (edit.sets(name)) into = from;
      },
      edit.values, out);
  settle_exit_node(edit, out);
  // Whoever decides anew whether the node runs decides for good, unless they say a time, too.
  if (edit.sets("WantRunning") && (out.want_running || !edit.sets("ResumeAt"))) {
    out.resume_at.clear();
  }
  return out;
}

MaskedPrefs difference(const Prefs& from, const Prefs& to) {
  MaskedPrefs edit{to, {}};
  visit_fields(
      [&edit](std::string_view name, Printed, const auto& a, const auto& b) {
        if (!(a == b)) edit.set(name);
      },
      from, to);
  return edit;
}

}  // namespace aya::local
