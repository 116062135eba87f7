// What is said to a UPnP Internet gateway over HTTP (nat-traversal 6.6): the description of its
// services, and the six calls to one of them that a port mapping takes. Everything a gateway says
// is untrusted. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "daemon/portmap/ssdp.h"

namespace aya::portmap {

inline constexpr std::size_t kMaxIgdDocument = 64 * 1024;

struct IgdService {
  std::string_view type;  // one of a fixed list
  GatewayUrl control;     // on the host of the description

  bool gives_any_port() const;  // has AddAnyPortMapping
  friend bool operator==(const IgdService&, const IgdService&) = default;
};

// The services that can map ports, best first. Empty: none, or not a description.
std::vector<IgdService> parse_igd_description(std::string_view document, const GatewayUrl& from);

struct SoapCall {
  std::string action;  // value of the SOAPAction header
  std::string body;    // text/xml
};

struct IgdMapping {
  std::uint16_t external_port = 0;
  Endpoint internal;
  std::chrono::duration<std::uint32_t> lease{};  // zero: until deleted
};

SoapCall soap_status(const IgdService& service);
SoapCall soap_external_address(const IgdService& service);
SoapCall soap_add_mapping(const IgdService& service, const IgdMapping& mapping);
SoapCall soap_delete_mapping(const IgdService& service, std::uint16_t external_port);
SoapCall soap_find_mapping(const IgdService& service, std::uint16_t external_port);

// The codes gateways refuse with, as far as they make a difference.
enum class SoapError : int {
  None = 0,
  NoAnswer = -1,  // nothing came, or nothing that can be read
  InvalidAction = 401,
  InvalidArguments = 402,
  ActionFailed = 501,
  NotAuthorized = 606,
  NoSuchEntry = 714,
  Conflict = 718,
  OnlyPermanentLeases = 725,
};

struct SoapAnswer {
  SoapError error = SoapError::None;  // may hold a value without a name
  std::string connection_status{};    // "Connected", "Up", or another
  std::string external_address{};
  std::uint16_t reserved_port = 0;
  std::string internal_client{};
  std::uint16_t internal_port = 0;
};
SoapAnswer parse_soap(int http_status, std::string_view document);

}  // namespace aya::portmap
