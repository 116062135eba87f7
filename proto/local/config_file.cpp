#include "proto/local/config_file.h"

#include <algorithm>
#include <functional>

#include "proto/local/json_fields.h"

namespace aya::local {
namespace {

// JSON for people may have comments, and a comma after the last of a list.
std::string as_plain_json(std::string_view text) {
  std::string out;
  std::size_t comma = std::string::npos;  // in `out`, if nothing but blanks and comments follow it
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("//") || rest.starts_with("/*")) {
      const bool line = rest[1] == '/';
      const std::size_t end = rest.find(line ? "\n" : "*/", 2);
      i += end == std::string_view::npos ? rest.size() : end + (line ? 0 : 1);
      out += ' ';
      if (line && end != std::string_view::npos) out += '\n';
      continue;
    }
    if (c == '"') {
      std::size_t end = i + 1;
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
      out += text.substr(i, end - i);
      i = end - 1;
      comma = std::string::npos;
      continue;
    }
    if ((c == '}' || c == ']') && comma != std::string::npos) out[comma] = ' ';
    if (c == ',') {
      comma = out.size();
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      comma = std::string::npos;
    }
    out += c;
  }
  return out;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

using Take = std::function<void(Fields&, const char*, ConfigFile&)>;

template <auto Member>
Take pref(const char* mask) {
  return [mask](Fields& in, const char* name, ConfigFile& out) {
    in.read(name, out.edit.values.*Member);
    out.edit.set(mask);
  };
}

void take_netfilter_mode(Fields& in, const char* name, ConfigFile& out) {
  std::string mode;
  in.read(name, mode);
  const auto modes = {"off", "nodivert", "on"};
  const auto found = std::ranges::find(modes, mode);
  if (found == modes.end()) return in.fail(name, "off, nodivert or on");
  out.edit.values.netfilter_mode = static_cast<NetfilterMode>(found - modes.begin());
  out.edit.set("NetfilterMode");
}

void take_exit_node(Fields& in, const char* name, ConfigFile& out) {
  std::string node;
  in.read(name, node);
  Prefs& prefs = out.edit.values;
  const bool is_auto = node.starts_with("auto:");
  if (is_auto) prefs.auto_exit_node = node.substr(5);
  (IpAddress::parse(node) ? prefs.exit_node_ip : prefs.exit_node_id) = is_auto ? "" : node;
  for (const char* field : {"AutoExitNode", "ExitNodeID", "ExitNodeIP"}) out.edit.set(field);
}

void take_auto_update(Fields& in, const char* name, ConfigFile& out) {
  const Json* value = in.find(name);
  if (value == nullptr) return;
  Fields inner(*value);
  inner.read("Check", out.edit.values.auto_update_check);
  inner.read("Apply", out.edit.values.auto_update_apply);
  if (inner.failed()) return in.fail(name, "an object with Check and Apply");
  out.edit.set("AutoUpdate.Check");
  out.edit.set("AutoUpdate.Apply");
}

void take_app_connector(Fields& in, const char* name, ConfigFile& out) {
  const Json* value = in.find(name);
  if (value == nullptr) return;
  Fields inner(*value);
  inner.read("Advertise", out.edit.values.app_connector_advertise);
  if (inner.failed()) return in.fail(name, "an object with Advertise");
  out.edit.set("AppConnector.Advertise");
}

struct Row {
  const char* name;  // in lower case
  Take take;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = {
      {"acceptdns", pref<&Prefs::corp_dns>("CorpDNS")},
      {"acceptroutes", pref<&Prefs::route_all>("RouteAll")},
      {"advertiseroutes", pref<&Prefs::advertise_routes>("AdvertiseRoutes")},
      {"advertiseservices", pref<&Prefs::advertise_services>("AdvertiseServices")},
      {"allowlanwhileusingexitnode",
       pref<&Prefs::exit_node_allow_lan_access>("ExitNodeAllowLANAccess")},
      {"appconnector", take_app_connector},
      {"authkey",
       [](Fields& in, const char* name, ConfigFile& out) { in.read(name, out.auth_key); }},
      {"autoupdate", take_auto_update},
      {"disablesnat", pref<&Prefs::no_snat>("NoSNAT")},
      {"enabled", pref<&Prefs::want_running>("WantRunning")},
      {"exitnode", take_exit_node},
      {"hostname", pref<&Prefs::hostname>("Hostname")},
      {"locked", [](Fields& in, const char* name, ConfigFile& out) { in.read(name, out.locked); }},
      {"netfiltermode", take_netfilter_mode},
      {"nostatefulfiltering", pref<&Prefs::no_stateful_filtering>("NoStatefulFiltering")},
      {"operatoruser", pref<&Prefs::operator_user>("OperatorUser")},
      {"posturechecking", pref<&Prefs::posture_checking>("PostureChecking")},
      {"runsshserver", pref<&Prefs::run_ssh>("RunSSH")},
      {"runwebclient", pref<&Prefs::run_web_client>("RunWebClient")},
      {"servercertpin", pref<&Prefs::server_cert_pin>("ServerCertPin")},
      {"serverurl", pref<&Prefs::control_url>("ControlURL")},
      {"shieldsup", pref<&Prefs::shields_up>("ShieldsUp")},
  };
  return kRows;
}

}  // namespace

Result<ConfigFile, std::string> parse_config_file(std::string_view text) {
  const Json document = parse_json(as_plain_json(text));
  if (document.is_discarded()) return std::string("it is not JSON");
  Fields in(document);
  if (in.failed()) return in.error();
  ConfigFile out;
  out.edit.values.want_running = true;  // a node that is configured is meant to run
  out.edit.set("WantRunning");
  bool has_version = false;
  for (const auto& item : document.items()) {
    const std::string& name = item.key();
    if (lower(name) == "version") {
      has_version = item.value() == "alpha0";
      continue;
    }
    const auto row = std::ranges::find(rows(), lower(name), &Row::name);
    if (row == rows().end()) return "field " + name + " is not known";
    row->take(in, name.c_str(), out);
  }
  if (in.failed()) return in.error();
  if (!has_version) return std::string("it must say \"version\": \"alpha0\"");
  if (auto refused = refusal(out.edit)) return *std::move(refused);
  return out;
}

}  // namespace aya::local
