// What another server may say: a line of what it is ("d" discovery, "k" keys, "t" tokens, "s" an ID
// token as it is, "p" the payload of one that is signed by its key), then the text. Nothing but a
// payload that names issuer, audience and nonce makes a person.
#include "coord-server/oidc/provider.h"
#include "proto/base/check.h"
#include "tests/coord-server/oidc/signer.h"

namespace {

using namespace aya;
using namespace aya::oidc;

constexpr WallTime kNow{std::chrono::seconds(1767225600)};
const Expected kExpected{"https://id.example", "ayatori", "nonce", "access"};

void check_person(const Result<Claims, TokenFault>& claims) {
  if (!claims) return;
  AYA_CHECK(claims->issuer == kExpected.issuer && !claims->subject.empty());
  Config config;
  config.allowed_domains = {"example.com"};
  if (!refusal_of(config, *claims)) AYA_CHECK(claims->email_verified);
  (void)login_of({}, *claims);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Signer signer(Signer::Kind::P256, "k1");
  static const KeySet keys = parse_key_set(signer.key_set().dump());
  if (size == 0) return 0;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size))).substr(1);
  switch (data[0]) {
    case 'd':
      (void)parse_discovery(text, {.issuer = "https://id.example", .client_id = "ayatori"});
      break;
    case 'k':
      (void)parse_key_set(text);
      break;
    case 't':
      (void)parse_tokens(text);
      break;
    case 's':
      AYA_CHECK(!verify_id_token(text, keys, kExpected, kNow));
      break;
    default:
      check_person(verify_id_token(
          signer.token(R"({"alg":"ES256","kid":"k1"})", std::string(text)), keys, kExpected, kNow));
  }
  return 0;
}
