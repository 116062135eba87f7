// Golden cases from tests/vectors, and the same schemas from AYATORI_VECTORS=DIR where it is set.
//
//   for (const Json& c : vector_cases("wire", "stun.json", "parse_request")) { ... }
//
// Both folders are walked; DIR may hold the file directly or under its folder name ("wire/").
// A file is {"cases": [...]} or the bare list. Each call prints how many cases it found where, so a
// run shows what it covered.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"

namespace aya::test {

using Json = nlohmann::json;

// Cases whose "kind" is `kind` (every case where it is empty). Fails the test if the tree's own
// copy is missing or has none.
std::vector<Json> vector_cases(
    std::string_view folder, std::string_view file, std::string_view kind = {});

// Hex text of a case to bytes; throws on bad hex, which fails the test.
Buffer hex(const Json& text);
Buffer hex(std::string_view text);

// The key written as 64 hex digits.
template <class Key>
Key key_of(const Json& text) {
  const Buffer raw = hex(text);
  return Key(std::span<const std::byte, 32>(raw.data(), 32));
}

// {"len", "seed", "rule"}: byte i = (i*7 + seed) mod 256.
Buffer pattern(const Json& spec);

// A 64-bit number written as a JSON number or as decimal text.
std::uint64_t u64(const Json& value);

}  // namespace aya::test
