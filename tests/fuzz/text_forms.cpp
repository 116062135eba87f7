// Keys, addresses, times and encodings as text: what is read is written in one form, which reads as
// the same value.
#include "proto/base/base64.h"
#include "proto/base/check.h"
#include "proto/base/hex.h"
#include "proto/base/time.h"
#include "proto/keys/private_key.h"
#include "proto/netaddr/endpoint.h"
#include "proto/netaddr/prefix.h"

namespace {

template <class T>
void check(std::string_view text) {
  const auto read = T::parse(text);
  if (!read) return;
  const std::string written = read->to_text();
  AYA_CHECK(T::parse(written) == read);
  AYA_CHECK(T::parse(written)->to_text() == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  const Bytes input = std::as_bytes(std::span(data, size));
  const std::string_view text = as_text(input);
  check<NodePublicKey>(text);
  check<MachinePublicKey>(text);
  check<DiscoPublicKey>(text);
  check<IpAddress>(text);
  check<Prefix>(text);
  check<Endpoint>(text);
  if (const auto key = NodePrivateKey::parse_for_storage(text)) {
    AYA_CHECK(NodePrivateKey::parse_for_storage(key->to_text_for_storage()).has_value());
  }
  if (const auto time = parse_rfc3339(text); time && *time != WallTime::min()) {
    AYA_CHECK(parse_rfc3339(to_rfc3339(*time)) == time);
  }
  if (const auto bytes = parse_hex(text)) AYA_CHECK(parse_hex(to_hex(*bytes)) == bytes);
  if (const auto bytes = parse_base64(text)) AYA_CHECK(to_base64(*bytes) == text);
  const Buffer whole(input.begin(), input.end());
  AYA_CHECK(parse_base64(to_base64(input)) == whole);
  AYA_CHECK(parse_base64url(to_base64url(input)) == whole);
  AYA_CHECK(parse_hex(to_hex(input)) == whole);
  return 0;
}
