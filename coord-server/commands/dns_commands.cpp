// DNS: name servers, split DNS, search domains, records. The API shows and takes one configuration
// and one list of records; these verbs read it, change a part, and write it back.
#include <algorithm>
#include <span>

#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"

namespace aya::coord {
namespace {

constexpr std::string_view kConfiguration = "/tailnet/-/dns/configuration";
constexpr std::string_view kRecords = "/tailnet/-/dns/records";

Result<Json, Failure> fetch(const Invocation& call, std::string_view target) {
  auto reply = call.client.call("GET", target);
  if (!reply) return reply.error();
  return parse_json(reply->body);
}

Done store(
    const Invocation& call, std::string_view method, std::string_view target, const Json& wish,
    const std::string& sentence) {
  auto done = call.client.call(method, target, wish.dump());
  if (!done) return done.error();
  print(call.json ? json_text(parse_json(done->body)) : sentence + '\n');
  return {};
}

Failure usage_line(std::string text) {
  return {Exit::Usage, "usage: ayatori-coord " + std::move(text)};
}

Result<bool, Failure> on_or_off(const std::string& text) {
  if (text == "on") return true;
  if (text == "off") return false;
  return Failure{Exit::Usage, '"' + printable(text) + "\" is neither on nor off"};
}

// The arguments from `first` on; "none" alone is an empty list.
std::vector<std::string> values(const Invocation& call, std::size_t first) {
  std::vector<std::string> out(
      call.arguments.begin() + static_cast<std::ptrdiff_t>(first), call.arguments.end());
  if (out.size() == 1 && out[0] == "none") out.clear();
  return out;
}

Json servers(const Invocation& call, const std::vector<std::string>& addresses) {
  Json out = Json::array();
  for (const std::string& address : addresses) {
    Json& server = out.emplace_back(Json({{"address", address}}));
    if (call.line.has("with-exit-node")) server["useWithExitNode"] = true;
  }
  return out;
}

std::string listed(std::span<const std::string> texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + printable(text);
  return out;
}

std::string listed_servers(const Json& list) {
  std::string out;
  for (const Json& server : list) {
    out += (out.empty() ? "" : ", ") + printable(text_at(server, "address"));
    if (flag_at(server, "useWithExitNode")) out += " (also with an exit node)";
  }
  return out.empty() ? "none" : out;
}

Done set_nameservers(const Invocation& call, Json configuration) {
  const auto addresses = values(call, 1);
  const bool replaces = !addresses.empty() && !call.line.has("fallback");
  configuration["nameservers"] = servers(call, addresses);
  configuration["preferences"]["overrideLocalDNS"] = replaces;
  std::string sentence = "nodes use the name servers of the network they are in";
  if (replaces) sentence = "nodes ask " + listed(addresses) + " instead of servers of their own";
  if (!addresses.empty() && !replaces) {
    sentence += "; where they know none, " + listed(addresses);
  }
  return store(call, "POST", kConfiguration, configuration, sentence);
}

Done set_search(const Invocation& call, Json configuration) {
  const auto domains = values(call, 1);
  configuration["searchPaths"] = domains;
  return store(
      call, "POST", kConfiguration, configuration,
      domains.empty() ? "no search domains but the network's own"
                      : "search domains: " + listed(domains));
}

Done set_magic(const Invocation& call, Json configuration) {
  if (call.arguments.size() != 2) return usage_line("dns set magic on|off");
  auto on = on_or_off(call.arguments[1]);
  if (!on) return on.error();
  configuration["preferences"]["magicDNS"] = *on;
  return store(
      call, "POST", kConfiguration, configuration,
      *on ? "nodes resolve each other's names" : "nodes no longer resolve each other's names");
}

}  // namespace

Done dns_show(const Invocation& call) {
  auto configuration = fetch(call, kConfiguration);
  if (!configuration) return configuration.error();
  auto records = fetch(call, kRecords);
  if (!records) return records.error();
  if (call.json) {
    (*configuration)["records"] = list_at(*records, "records");
    print(json_text(*configuration));
    return {};
  }
  const Json preferences = configuration->value("preferences", Json::object());
  const Json nameservers = list_at(*configuration, "nameservers");
  const bool replaces = flag_at(preferences, "overrideLocalDNS");
  const std::string search = joined(list_at(*configuration, "searchPaths"));
  std::vector<std::vector<std::string>> rows = {
      {"Names of devices", flag_at(preferences, "magicDNS") ? "on" : "off"},
      {"Name servers",
       listed_servers(nameservers) + (nameservers.empty() || replaces ? "" : " (fallback)")},
      {"Search domains", search.empty() ? "none" : search}};
  for (const auto& [domain, list] : configuration->value("splitDNS", Json::object()).items()) {
    rows.push_back({"Split", printable(domain) + " at " + listed_servers(list)});
  }
  for (const Json& record : list_at(*records, "records")) {
    rows.push_back(
        {"Record", printable(text_at(record, "name")) + ' ' + text_at(record, "type") + ' ' +
                       printable(text_at(record, "value"))});
  }
  print(table(rows));
  return {};
}

Done dns_set(const Invocation& call) {
  auto configuration = fetch(call, kConfiguration);
  if (!configuration) return configuration.error();
  const std::string& what = call.arguments[0];
  if (what == "nameservers") return set_nameservers(call, std::move(*configuration));
  if (what == "search") return set_search(call, std::move(*configuration));
  if (what == "magic") return set_magic(call, std::move(*configuration));
  return usage_line("dns set nameservers|search|magic VALUE …");
}

Done dns_split(const Invocation& call) {
  const std::string& domain = call.arguments[0];
  auto configuration = fetch(call, kConfiguration);
  if (!configuration) return configuration.error();
  const auto addresses = values(call, 1);
  (*configuration)["splitDNS"][domain] = servers(call, addresses);
  return store(
      call, "POST", kConfiguration, *configuration,
      printable(domain) + (addresses.empty() ? " is resolved like everything else"
                                             : " is resolved at " + listed(addresses)));
}

// VALUE is an address, or a device, whose addresses the name then always has.
Done dns_record(const Invocation& call) {
  const bool adds = call.arguments[0] == "add";
  if ((!adds && call.arguments[0] != "rm") || (adds && call.arguments.size() != 3)) {
    return usage_line("dns record add NAME ADDRESS|N, or: dns record rm NAME [VALUE]");
  }
  auto shown = fetch(call, kRecords);
  if (!shown) return shown.error();
  Json records = list_at(*shown, "records");
  std::string name = call.arguments[1];
  if (adds) {
    Json record = {{"name", name}, {"value", call.arguments[2]}};
    // What is no address (those have a colon, or end in a digit) is a device.
    const char last = call.arguments[2].empty() ? ' ' : call.arguments[2].back();
    const bool address =
        call.arguments[2].find(':') != std::string::npos ||
        (last >= '0' && last <= '9' && call.arguments[2].find('.') != std::string::npos);
    if (!address) {
      auto devices = list_nodes(call);
      if (!devices) return devices.error();
      auto device = select_node(*devices, call.arguments[2]);
      if (!device) return device.error();
      record["type"] = "CNAME";
      record["value"] = text_at(*device, "name");
    }
    records.push_back(std::move(record));
    return store(
        call, "PUT", kRecords, {{"records", records}},
        printable(name) + " is " + printable(call.arguments[2]));
  }
  const std::string value = call.arguments.size() == 3 ? call.arguments[2] : "";
  if (name.ends_with('.')) name.pop_back();
  const auto goes = [&](const Json& record) {
    const std::string full = text_at(record, "name");
    const bool named = full == name || full.substr(0, full.find('.')) == name;
    return named && (value.empty() || text_at(record, "value") == value);
  };
  Json kept = Json::array();
  for (const Json& record : records) {
    if (!goes(record)) kept.push_back(record);
  }
  if (kept.size() == records.size()) {
    return Failure{
        Exit::Failed, "no record of that name" + std::string(value.empty() ? "" : " and value") +
                          "; `dns show` lists them"};
  }
  return store(call, "PUT", kRecords, {{"records", kept}}, printable(name) + " removed");
}

Done dns_subdomains(const Invocation& call) {
  auto on = on_or_off(call.arguments[1]);
  if (!on) return on.error();
  auto device = chosen_node(call);
  if (!device) return device.error();
  const std::string name = printable(text_at(*device, "name"));
  return store(
      call, "POST", node_path(*device) + "/subdomains", {{"enabled", *on}},
      *on ? "every name below " + name + " leads to it" : "names below " + name + " lead nowhere");
}

}  // namespace aya::coord
