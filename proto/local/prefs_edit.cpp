// What an edit of prefs means, and which edits are refused.
#include <algorithm>

#include "proto/base/hex.h"
#include "proto/local/prefs_fields.h"

namespace aya::local {
namespace {

constexpr std::string_view kAutoPrefix = "auto:";
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
  if (sets_id && prefs.exit_node_id.starts_with(kAutoPrefix)) {
    prefs.auto_exit_node = prefs.exit_node_id.substr(kAutoPrefix.size());
  }
  if (!sets_auto) return;
  if (!prefs.auto_exit_node.empty()) {
    // Until a node has been chosen.
    prefs.exit_node_id = std::string(kAutoPrefix) + prefs.auto_exit_node;
    prefs.exit_node_ip.clear();
  } else if (!sets_id && prefs.exit_node_id.starts_with(kAutoPrefix)) {
    prefs.exit_node_id.clear();
  }
}

}  // namespace

std::optional<std::string> refusal(const MaskedPrefs& edit) {
  if (edit.sets("InternalExitNodePrior")) return "can't set Internal fields";
  if (edit.sets("AdvertiseRoutes")) {
    for (const Prefix& route : edit.values.advertise_routes) {
      if (route.is_canonical()) continue;
      return "route " + route.to_text() + " has non-address bits set; expected " +
             route.masked().to_text();
    }
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
