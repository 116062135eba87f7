#include "daemon/portmap/igd_messages.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "daemon/portmap/xml_scan.h"

namespace aya::portmap {
namespace {

constexpr std::string_view kAnyPortService = "urn:schemas-upnp-org:service:WANIPConnection:2";

// In order of preference; the last two are from before there was a standard.
constexpr std::array<std::string_view, 5> kServiceTypes = {
    kAnyPortService,
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
    "urn:dslforum-org:service:WANPPPConnection:1",
    "urn:dslforum-org:service:WANIPConnection:1",
};
constexpr std::size_t kMaxServices = 16;

constexpr std::string_view kDescription = "ayatori";  // what the gateway's own pages will show

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

template <class Number>
Number number_of(std::string_view text) {
  Number value = 0;
  text = trimmed(text);
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end ? value : Number{0};
}

// Arguments are numbers, addresses and constants of ours: nothing that XML would need escaped.
using Argument = std::pair<std::string_view, std::string>;

SoapCall call(
    const IgdService& service, std::string_view action, std::initializer_list<Argument> arguments) {
  const std::string type(service.type), verb(action);
  std::string inner;
  for (const auto& [name, value] : arguments) {
    const std::string tag(name);
    inner += "<" + tag + ">" + value + "</" + tag + ">";
  }
  return {
      "\"" + type + "#" + verb + "\"",
      "<?xml version=\"1.0\"?>\r\n"
      "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""
      " s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
      "<u:" +
          verb + " xmlns:u=\"" + type + "\">" + inner + "</u:" + verb +
          ">"
          "</s:Body></s:Envelope>\r\n"};
}

void take_value(SoapAnswer& answer, std::string_view name, std::string_view text) {
  text = trimmed(text);
  if (name == "NewConnectionStatus") answer.connection_status = text;
  if (name == "NewExternalIPAddress") answer.external_address = text;
  if (name == "NewReservedPort") answer.reserved_port = number_of<std::uint16_t>(text);
  if (name == "NewInternalClient") answer.internal_client = text;
  if (name == "NewInternalPort") answer.internal_port = number_of<std::uint16_t>(text);
  if (name == "errorCode") answer.error = static_cast<SoapError>(number_of<int>(text));
}

}  // namespace

bool IgdService::gives_any_port() const { return type == kAnyPortService; }

std::vector<IgdService> parse_igd_description(std::string_view document, const GatewayUrl& from) {
  if (document.size() > kMaxIgdDocument) return {};
  struct Described {
    std::string type, control;
  };
  std::vector<Described> found;
  Described service;
  GatewayUrl base = from;
  const bool read = scan_leaves(
      document,
      [&](std::string_view name, std::string_view text) {
        if (name == "serviceType") service.type = trimmed(text);
        if (name == "controlURL") service.control = trimmed(text);
        if (name == "URLBase") base = from.resolve(trimmed(text)).value_or(from);
      },
      [&](std::string_view name) {
        if (name != "service") return;
        if (found.size() < kMaxServices) found.push_back(std::move(service));
        service = {};
      });
  if (!read) return {};
  std::vector<IgdService> out;
  for (const std::string_view type : kServiceTypes) {
    for (const Described& each : found) {
      if (each.type != type || each.control.empty()) continue;
      if (auto control = base.resolve(each.control)) out.push_back({type, std::move(*control)});
    }
  }
  return out;
}

SoapCall soap_status(const IgdService& service) { return call(service, "GetStatusInfo", {}); }

SoapCall soap_external_address(const IgdService& service) {
  return call(service, "GetExternalIPAddress", {});
}

SoapCall soap_add_mapping(const IgdService& service, const IgdMapping& mapping) {
  const auto action = service.gives_any_port() ? "AddAnyPortMapping" : "AddPortMapping";
  return call(
      service, action,
      {{"NewRemoteHost", ""},
       {"NewExternalPort", std::to_string(mapping.external_port)},
       {"NewProtocol", "UDP"},
       {"NewInternalPort", std::to_string(mapping.internal.port)},
       {"NewInternalClient", mapping.internal.address.to_text()},
       {"NewEnabled", "1"},
       {"NewPortMappingDescription", std::string(kDescription)},
       {"NewLeaseDuration", std::to_string(mapping.lease.count())}});
}

SoapCall soap_delete_mapping(const IgdService& service, std::uint16_t external_port) {
  return call(
      service, "DeletePortMapping",
      {{"NewRemoteHost", ""},
       {"NewExternalPort", std::to_string(external_port)},
       {"NewProtocol", "UDP"}});
}

SoapCall soap_find_mapping(const IgdService& service, std::uint16_t external_port) {
  return call(
      service, "GetSpecificPortMappingEntry",
      {{"NewRemoteHost", ""},
       {"NewExternalPort", std::to_string(external_port)},
       {"NewProtocol", "UDP"}});
}

SoapAnswer parse_soap(int http_status, std::string_view document) {
  constexpr int kOk = 200, kFault = 500;
  SoapAnswer answer;
  const bool spoke =
      (http_status == kOk || http_status == kFault) && document.size() <= kMaxIgdDocument &&
      scan_leaves(
          document,
          [&](std::string_view name, std::string_view text) { take_value(answer, name, text); },
          [](std::string_view) {});
  const bool silent_fault = http_status == kFault && answer.error == SoapError::None;
  if (!spoke || silent_fault) return {.error = SoapError::NoAnswer};
  return answer;
}

}  // namespace aya::portmap
