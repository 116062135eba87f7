#include "proto/control/json_text.h"

#include "proto/control/schema_flows.h"
#include "proto/control/schema_map.h"
#include "proto/control/schema_register.h"

namespace aya::control {

template <class T>
Result<T, ParseError> decode(std::string_view json) {
  const auto document = JsonDocument::parse(json);
  if (!document) return document.error();
  T value{};
  if (read_value(document->root(), value) != Read::Ok) return ParseError::BadValue;
  return value;
}

template <class T>
std::string encode(const T& value) {
  std::string out;
  JsonWriter json(out);
  write_value(json, value);
  return out;
}

#define AYA_JSON_TYPE(T)                                      \
  template Result<T, ParseError> decode<T>(std::string_view); \
  template std::string encode<T>(const T&)

AYA_JSON_TYPE(OverTlsKeys);
AYA_JSON_TYPE(EarlyPayload);
AYA_JSON_TYPE(RegisterRequest);
AYA_JSON_TYPE(RegisterResponse);
AYA_JSON_TYPE(MapRequest);
AYA_JSON_TYPE(MapResponse);
AYA_JSON_TYPE(Node);
AYA_JSON_TYPE(PeerChange);
AYA_JSON_TYPE(UserProfile);
AYA_JSON_TYPE(Hostinfo);
AYA_JSON_TYPE(NetInfo);
AYA_JSON_TYPE(Location);
AYA_JSON_TYPE(CapMap);
AYA_JSON_TYPE(DnsConfig);
AYA_JSON_TYPE(DerpMap);
AYA_JSON_TYPE(DerpRegion);
AYA_JSON_TYPE(SshPolicy);
AYA_JSON_TYPE(SshAction);
AYA_JSON_TYPE(FilterRules);
AYA_JSON_TYPE(PingRequest);
AYA_JSON_TYPE(PingResponse);
AYA_JSON_TYPE(DisplayMessage);
AYA_JSON_TYPE(ClientVersion);
AYA_JSON_TYPE(Debug);
AYA_JSON_TYPE(ControlDialPlan);
AYA_JSON_TYPE(FlowWindow);
AYA_JSON_TYPE(FlowReport);

#undef AYA_JSON_TYPE

std::optional<Location> Hostinfo::location() const {
  const auto found = others.find("Location");
  if (found == others.end()) return std::nullopt;
  auto read = decode<Location>(found->second.text);
  return read ? std::optional(*std::move(read)) : std::nullopt;
}

}  // namespace aya::control
