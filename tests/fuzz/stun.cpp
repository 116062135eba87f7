// STUN both ways and the classifier of the shared socket.
#include "proto/base/check.h"
#include "proto/stun/binding.h"
#include "proto/stun/classify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  const Bytes input = std::as_bytes(std::span(data, size));
  const auto request = stun::parse_request(input);
  const auto response = stun::parse_response(input);
  AYA_CHECK(!(request && response));
  if (request || response) {
    AYA_CHECK(stun::is_stun(input));
    AYA_CHECK(stun::classify(input).kind == stun::DatagramKind::Stun);
  }
  if (response) {
    Buffer again;
    stun::write_response(response->tx_id, response->mapped, again);
    AYA_CHECK(stun::parse_response(again)->mapped == response->mapped);
  }
  return 0;
}
