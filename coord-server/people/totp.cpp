#include "coord-server/people/totp.h"

#include "proto/crypto/hmac.h"
#include "proto/crypto/secret.h"
#include "proto/http/target.h"

namespace aya::people {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

}  // namespace

std::int64_t totp_step(WallTime now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() / 30;
}

std::string totp_code(const TotpSecret& secret, std::int64_t step) {
  std::array<std::byte, 8> counter;
  for (std::size_t i = 0; i < counter.size(); ++i) {
    counter[i] = static_cast<std::byte>(static_cast<std::uint64_t>(step) >> (56 - 8 * i) & 0xff);
  }
  const auto mac = crypto::hmac_sha1(secret, counter);
  const auto at = std::to_integer<std::size_t>(mac.back() & std::byte{0x0f});
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    number = number << 8 | std::to_integer<std::uint32_t>(mac[at + i]);
  }
  const std::string digits = std::to_string((number & 0x7fffffffu) % 1'000'000u);
  return std::string(6 - digits.size(), '0') + digits;
}

std::optional<std::int64_t> match_totp(
    const TotpSecret& secret, std::string_view code, WallTime now, std::int64_t used) {
  std::string digits;
  for (const char c : code) {
    if (c != ' ') digits += c;
  }
  const std::int64_t middle = totp_step(now);
  std::optional<std::int64_t> matched;
  for (std::int64_t step = middle - 1; step <= middle + 1; ++step) {
    const std::string right = totp_code(secret, step);
    const bool same = crypto::equal_in_constant_time(as_bytes(right), as_bytes(digits));
    if (same && step > used) matched = step;
  }
  return matched;
}

std::string totp_text(const TotpSecret& secret) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const std::byte b : secret) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(b);
    for (held += 8; held >= 5; held -= 5) out += kBase32[bits >> (held - 5) & 31];
  }
  return out;  // 160 bits are 32 letters
}

std::optional<TotpSecret> parse_totp_text(std::string_view text) {
  TotpSecret out{};
  std::size_t filled = 0;
  std::uint32_t bits = 0;
  int held = 0;
  if (text.size() != out.size() * 8 / 5) return std::nullopt;
  for (const char c : text) {
    const std::size_t value = kBase32.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 5 | static_cast<std::uint32_t>(value);
    held += 5;
    if (held < 8) continue;
    held -= 8;
    out[filled++] = static_cast<std::byte>(bits >> held & 0xff);
  }
  return out;
}

std::string totp_uri(const TotpSecret& secret, std::string_view login, std::string_view host) {
  return "otpauth://totp/" + http::percent_encode(host) + ":" + http::percent_encode(login) +
         "?secret=" + totp_text(secret) + "&issuer=" + http::percent_encode(host);
}

}  // namespace aya::people
