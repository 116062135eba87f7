#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands/table.h"
#include "cli/dns_answer.h"
#include "cli/json_text.h"
#include "cli/text.h"
#include "proto/base/base64.h"
#include "proto/http/target.h"

namespace aya::cli {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

// What the network says about names, and what this machine asks otherwise. Objects of the daemon as
// they are; whoever reads them looks for what is there.
struct DnsView {
  bool accepted = false;
  local::Status status;
  Json network = nullptr;  // null before the first network map
  Json system = nullptr;
  std::string system_problem;
};

Json parsed(std::string_view text) { return Json::parse(text.begin(), text.end(), nullptr, false); }

// A list inside an object, or an empty one.
Json list_in(const Json& object, const char* name) {
  if (!object.is_object()) return Json::array();
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : Json::array();
}

std::string text_in(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  const auto* text = found == object.end() ? nullptr : found->get_ptr<const std::string*>();
  return text == nullptr ? "" : *text;
}

std::vector<std::string> texts_in(const Json& object, const char* name) {
  std::vector<std::string> out;
  for (const Json& item : list_in(object, name)) {
    if (const auto* text = item.get_ptr<const std::string*>()) out.push_back(*text);
  }
  return out;
}

// Domains with servers of their own; others are answered here.
Json split_routes(const Json& network) {
  Json out = Json::object();
  const auto routes = network.is_object() ? network.find("Routes") : network.end();
  if (routes == network.end() || !routes->is_object()) return out;
  for (const auto& route : routes->items()) {
    if (route.value().is_array() && !route.value().empty()) out[route.key()] = route.value();
  }
  return out;
}

Result<DnsView, Failure> look(Context& context) {
  DnsView view;
  const auto prefs = context.prefs();
  if (!prefs) return prefs.error();
  view.accepted = prefs->corp_dns;
  auto status = context.status(false);
  if (!status) return status.error();
  view.status = *std::move(status);
  const auto network = context.client.get("dns-config");
  if (network) {
    view.network = parsed(*network);
  } else if (network.error().status != 503) {  // 503: there is no network map yet
    return context.failure(network.error());
  }
  const auto system = context.client.get("dns-osconfig");
  if (system) {
    view.system = parsed(*system);
  } else {
    view.system_problem = context.failure(system.error()).text;
    view.system_problem.resize(
        std::min(view.system_problem.size(), view.system_problem.find("\n\n")));
  }
  return view;
}

// --- as JSON ---

std::string as_json(const DnsView& view) {
  Json out = {{"TailscaleDNS", view.accepted}};
  if (view.network.is_object()) {
    if (const auto& tailnet = view.status.current_tailnet) {
      out["CurrentTailnet"] = {
          {"MagicDNSEnabled", tailnet->magic_dns_enabled},
          {"MagicDNSSuffix", tailnet->magic_dns_suffix},
          {"SelfDNSName", view.status.self.dns_name}};
    }
    const auto put = [&out](const char* name, Json value) {
      if (!value.empty()) out[name] = std::move(value);
    };
    put("Resolvers", list_in(view.network, "Resolvers"));
    put("SplitDNSRoutes", split_routes(view.network));
    put("FallbackResolvers", list_in(view.network, "FallbackResolvers"));
    std::vector<std::string> domains = texts_in(view.network, "Domains");
    std::ranges::sort(domains);
    put("SearchDomains", domains);
    put("Nameservers", list_in(view.network, "Nameservers"));
    put("CertDomains", list_in(view.network, "CertDomains"));
    put("ExtraRecords", list_in(view.network, "ExtraRecords"));
    put("ExitNodeFilteredSet", list_in(view.network, "ExitNodeFilteredSet"));
    if (view.system.is_object()) {
      Json system = Json::object();
      for (const char* name : {"Nameservers", "SearchDomains", "MatchDomains"}) {
        system[name] = list_in(view.system, name);
      }
      out["SystemDNS"] = std::move(system);
    } else {
      out["SystemDNSError"] = view.system_problem;
    }
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// --- as text ---

class Page {
 public:
  void line(const std::string& text = "") { text_ += text + "\n"; }
  void list(std::string_view title, const std::vector<std::string>& items, std::string_view none) {
    line(std::string(title) + ":");
    for (const std::string& item : items) line("  - " + printable(item));
    if (items.empty()) line("  (" + std::string(none) + ")");
    line();
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string padded(std::string text, std::size_t columns) {
  const std::size_t wide = width(text);
  if (wide < columns) text.append(columns - wide, ' ');
  return text;
}

std::vector<std::string> addresses(const Json& resolvers) {
  std::vector<std::string> out;
  for (const Json& resolver : resolvers) out.push_back(text_in(resolver, "Addr"));
  return out;
}

void put_everything_else(Page& page, const DnsView& view) {
  page.list(
      "Nameservers IP Addresses", texts_in(view.network, "Nameservers"), "none were provided");
  page.list(
      "Certificate Domains", texts_in(view.network, "CertDomains"),
      "no certificate domains are configured");
  page.line("Additional DNS Records:");
  const Json records = list_in(view.network, "ExtraRecords");
  for (const Json& record : records) {
    const std::string type = text_in(record, "Type");
    page.line(
        "  - [" + printable(type.empty() ? "A" : type) + "] " +
        padded(printable(text_in(record, "Name")), 50) + " -> " +
        printable(text_in(record, "Value")));
  }
  if (records.empty()) page.line("  (no extra records are configured)");
  page.line();
  page.list(
      "Filtered suffixes when forwarding DNS queries as an exit node",
      texts_in(view.network, "ExitNodeFilteredSet"), "no suffixes are filtered");
}

void put_network(Page& page, const DnsView& view, bool all) {
  page.line("=== MagicDNS configuration ===\n");
  page.line("This is the DNS configuration provided by the coordination server to this device.\n");
  if (!view.network.is_object()) return page.line("No configuration has been received yet.\n");
  const auto& tailnet = view.status.current_tailnet;
  if (tailnet && tailnet->magic_dns_enabled) {
    std::string own = view.status.self.dns_name;
    if (own.ends_with('.')) own.pop_back();
    page.line(
        "MagicDNS: enabled tailnet-wide (suffix = " + printable(tailnet->magic_dns_suffix) + ")\n");
    page.line("Other devices in your tailnet can reach this device at " + printable(own) + ".\n");
  } else {
    page.line("MagicDNS: disabled tailnet-wide.\n");
  }
  page.list(
      "Resolvers (in preference order)", addresses(list_in(view.network, "Resolvers")),
      "no resolvers configured, system default will be used: see 'System DNS configuration' below");
  page.line("Split DNS Routes:");
  const Json routes = split_routes(view.network);
  for (const auto& route : routes.items()) {
    for (const std::string& address : addresses(route.value())) {
      page.line("  - " + padded(printable(route.key()), 30) + " -> " + printable(address));
    }
  }
  if (routes.empty()) page.line("  (no routes configured: split DNS disabled)");
  page.line();
  if (all) {
    page.line("Fallback Resolvers:");
    const auto fallback = addresses(list_in(view.network, "FallbackResolvers"));
    for (std::size_t i = 0; i < fallback.size(); ++i) {
      page.line("  " + std::to_string(i) + ": " + printable(fallback[i]));
    }
    if (fallback.empty()) page.line("  (no fallback resolvers configured)");
    page.line();
  }
  std::vector<std::string> domains = texts_in(view.network, "Domains");
  std::ranges::sort(domains);
  page.list("Search Domains", domains, "no search domains configured");
  if (all) put_everything_else(page, view);
}

void put_system(Page& page, const DnsView& view, const std::string& name) {
  page.line("=== System DNS configuration ===\n");
  page.line(
      "This is the DNS configuration that " + name + " believes your operating system is using.\n" +
      name +
      " may use this configuration if 'Override Local DNS' is disabled in the admin console,\n"
      "or if no resolvers are provided by the coordination server.\n");
  if (!view.system.is_object()) {
    return page.line("  (failed to read system DNS configuration: " + view.system_problem + ")\n");
  }
  page.list("Nameservers", texts_in(view.system, "Nameservers"), "no nameservers found");
  page.list("Search domains", texts_in(view.system, "SearchDomains"), "no search domains found");
  const auto match = texts_in(view.system, "MatchDomains");
  if (!match.empty()) page.list("Match domains", match, "");
}

std::string as_page(const Context& context, const DnsView& view, bool all) {
  const std::string name = context.strict ? "Tailscale" : "Ayatori";
  Page page;
  page.line("\n=== 'Use " + name + " DNS' status ===\n");
  page.line(name + " DNS: " + (view.accepted ? "enabled.\n" : "disabled.\n"));
  if (view.accepted) {
    page.line(
        name + " is configured to handle DNS queries on this device.\nRun '" + context.program +
        " set --accept-dns=false' to revert to your system default DNS resolver.\n");
  } else {
    page.line("(Run '" + context.program + " set --accept-dns=true' to start using it.)\n");
  }
  put_network(page, view, all);
  put_system(page, view, name);
  if (context.strict) {
    page.line(
        "[this is a preliminary version of this command; the output format may change in the "
        "future]");
  }
  return page.take();
}

Outcome show_status(Context& context, const Arguments& args) {
  bool all = false, json = false;
  Flags flags;
  flags.boolean("all", all, "also what is rarely used");
  flags.boolean("json", json, "print JSON");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  const auto view = look(context);
  if (!view) return view.error();
  context.out(json ? as_json(*view) : as_page(context, *view, all));
  return {};
}

// --- query ---

struct Asked {
  DnsAnswer answer;
  Json resolvers;
};

Result<Asked, Failure> ask(Context& context, const std::string& name, const std::string& type) {
  const std::string target =
      "dns-query?name=" + http::percent_encode(name) + "&type=" + http::percent_encode(type);
  const auto body = context.call("GET", target);
  if (!body) return body.error();
  const Json fields = parsed(*body);
  const auto bytes = parse_base64(text_in(fields, "Bytes"));
  auto answer =
      bytes ? parse_dns_answer(*bytes) : Result<DnsAnswer, ParseError>(ParseError::BadEncoding);
  if (!answer) return Failure{Exit::Failed, "the answer is not readable"};
  return Asked{*std::move(answer), list_in(fields, "Resolvers")};
}

std::string answer_json(const std::string& name, const std::string& type, const Asked& asked) {
  Json answers = Json::array();
  for (const DnsRecord& record : asked.answer.answers) {
    answers.push_back(
        {{"Name", record.name},
         {"TTL", record.ttl},
         {"Class", record.dns_class},
         {"Type", record.type},
         {"Body", record.body}});
  }
  const Json out = {
      {"Name", name},
      {"QueryType", type},
      {"Resolvers", asked.resolvers},
      {"ResponseCode", asked.answer.code},
      {"Answers", std::move(answers)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string answer_page(const std::string& name, const std::string& type, const Asked& asked) {
  std::string text = "DNS query for " + in_quotes(name) + " (" + printable(type) +
                     ") using internal resolver:\n\n";
  std::vector<std::string> servers;
  for (const std::string& address : addresses(asked.resolvers)) {
    servers.push_back(printable(address));
  }
  if (servers.size() == 1) text += "Forwarding to resolver: " + servers.front() + "\n\n";
  if (servers.size() > 1)
    text += "Multiple resolvers available:\n  - " + join(servers, "\n  - ") + "\n\n";
  text += "Response code: " + printable(asked.answer.code) + "\n\n";
  if (asked.answer.answers.empty()) return text + "No answers were returned.\n";
  Rows rows = {{"Name", "TTL", "Class", "Type", "Body"}, {"----", "---", "-----", "----", "----"}};
  for (const DnsRecord& record : asked.answer.answers) {
    rows.push_back(
        {printable(record.name), std::to_string(record.ttl), printable(record.dns_class),
         printable(record.type), printable(record.body)});
  }
  return text + table_cut_right(rows) + "\n";
}

Outcome query(Context& context, const Arguments& args) {
  bool json = false;
  Flags flags;
  flags.boolean("json", json, "print JSON");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->empty() || left->size() > 2) {
    return Failure{
        Exit::BadArgument,
        "usage: " + context.program + " dns query <name> [a|aaaa|cname|mx|ns|ptr|srv|txt]"};
  }
  std::string type = left->size() == 2 ? (*left)[1] : "A";
  std::ranges::transform(type, type.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  if (!is_dns_type(type)) {
    return Failure{Exit::BadArgument, in_quotes((*left)[1]) + " is not a type of DNS records"};
  }
  const auto asked = ask(context, left->front(), type);
  if (!asked) return asked.error();
  context.out(
      json ? answer_json(left->front(), type, *asked) : answer_page(left->front(), type, *asked));
  return {};
}

}  // namespace

Outcome dns(Context& context, const Arguments& args) {
  const Arguments rest(args.empty() ? args.end() : args.begin() + 1, args.end());
  if (!args.empty() && args.front() == "status") return show_status(context, rest);
  if (!args.empty() && args.front() == "query") return query(context, rest);
  Flags none;
  const auto left = context.parse(none, args.empty() ? Arguments{"--help"} : args);
  if (!left) return left.error();
  return Failure{Exit::BadArgument, "dns: unknown subcommand: " + printable(args.front())};
}

}  // namespace aya::cli
