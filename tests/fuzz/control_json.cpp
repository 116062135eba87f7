// Documents of the control protocol, the first byte says which. What is read is written so that it
// reads as the same again, and stays as it is from then on.
#include "proto/base/check.h"
#include "proto/base/bytes.h"
#include "proto/control/json_text.h"
#include "proto/control/map_request.h"
#include "proto/control/map_response.h"
#include "proto/control/occupied_prefixes.h"
#include "proto/control/register.h"

namespace {

template <class T>
void check(std::string_view json) {
  using namespace aya::control;
  const auto read = decode<T>(json);
  if (!read) return;
  const std::string written = encode(*read);
  const auto again = decode<T>(written);
  AYA_CHECK(again.has_value() && *again == *read);
  AYA_CHECK(encode(*again) == written);
  if constexpr (std::is_same_v<T, Hostinfo>) {
    Hostinfo other;
    set_occupied_prefixes(other, occupied_prefixes(*read));
    AYA_CHECK(occupied_prefixes(other) == occupied_prefixes(*read));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya::control;
  if (size == 0) return 0;
  constexpr auto kChecks = std::to_array(
      {check<RegisterRequest>, check<RegisterResponse>, check<MapRequest>, check<MapResponse>,
       check<Node>, check<Hostinfo>, check<DerpMap>, check<DnsConfig>, check<SshPolicy>,
       check<PeerChange>, check<OverTlsKeys>, check<PingRequest>, check<ControlDialPlan>});
  kChecks[data[0] % kChecks.size()](aya::as_text(std::as_bytes(std::span(data + 1, size - 1))));
  return 0;
}
