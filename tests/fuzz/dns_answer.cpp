// Answers of name servers on their way to a person: read to the end or refused, and never more
// records than the bytes could hold.
#include "cli/dns_answer.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kSmallestRecord = 11;
  const auto answer = aya::cli::parse_dns_answer(std::as_bytes(std::span(data, size)));
  if (!answer) return 0;
  AYA_CHECK(!answer->code.empty());
  AYA_CHECK(answer->answers.size() * kSmallestRecord <= size);
  for (const auto& record : answer->answers) AYA_CHECK(record.name.size() <= 320);
  return 0;
}
