// What another server may say: a line of what it is ("d" discovery, "k" keys, "t" tokens, "s" a
// token as it is, "w" the payload of one for a program that is signed by its key, "m" a pattern
// and, behind a line break, a text, "p" the payload of one for a person), then the text. Nothing
// but a payload that names issuer, audience and nonce makes a person, or issuer, audience and
// subject a program.
#include "coord-server/oidc/provider.h"
#include "coord-server/oidc/workload_token.h"
#include "proto/base/check.h"
#include "tests/coord-server/oidc/signer.h"

namespace {

using namespace aya;
using namespace aya::oidc;

constexpr WallTime kNow{std::chrono::seconds(1767225600)};
const std::string kHeader = R"({"alg":"ES256","kid":"k1"})";
const Expected kExpected{"https://id.example", "ayatori", "nonce", "access"};

void check_person(const Result<Claims, TokenFault>& claims) {
  if (!claims) return;
  AYA_CHECK(claims->issuer == kExpected.issuer && !claims->subject.empty());
  Config config;
  config.allowed_domains = {"example.com"};
  if (!refusal_of(config, *claims)) AYA_CHECK(claims->email_verified);
  (void)login_of({}, *claims);
}

const WorkloadRules kRules{"https://id.example", "ayatori", "repo:*", {{"environment", "*prod*"}}};

void check_program(const std::string& text, const KeySet& keys, bool is_signed) {
  auto token = WorkloadToken::read(text, kRules, kNow);
  if (!token || !token->verify(keys, kRules)) return;
  AYA_CHECK(is_signed);
  WorkloadRules other = kRules;
  other.subject = "user:*";
  AYA_CHECK(!token->verify(keys, other));
  AYA_CHECK(!token->verify({}, kRules));
}

// Against the definition, which takes too long where there are many stars.
bool matches_slowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return matches_slowly(pattern.substr(1), text) ||
           (!text.empty() && matches_slowly(pattern, text.substr(1)));
  }
  return !text.empty() && pattern[0] == text[0] &&
         matches_slowly(pattern.substr(1), text.substr(1));
}

void check_pattern(std::string_view line) {
  const std::size_t end = std::min(line.find('\n'), line.size());
  const std::string_view pattern = line.substr(0, end);
  const std::string_view text = line.substr(std::min(end + 1, line.size()));
  const bool matches = matches_pattern(pattern, text);
  if (pattern.size() > 8 || text.size() > 16) return;
  AYA_CHECK(matches == matches_slowly(pattern, text));
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
      if (auto at = parse_key_location(text, "https://id.example")) {
        AYA_CHECK(at->url.starts_with("https://"));
      }
      break;
    case 'k':
      (void)parse_key_set(text);
      break;
    case 't':
      (void)parse_tokens(text);
      break;
    case 's':
      AYA_CHECK(!verify_id_token(text, keys, kExpected, kNow));
      check_program(std::string(text), keys, false);
      break;
    case 'w':
      check_program(signer.token(kHeader, std::string(text)), keys, true);
      break;
    case 'm':
      check_pattern(text);
      break;
    default:
      check_person(verify_id_token(
          signer.token(kHeader, std::string(text)), keys, kExpected, kNow));
  }
  return 0;
}
