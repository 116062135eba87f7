// Policies that say the same in other words: what was captured of one must hold for all of them.
#pragma once

#include <optional>
#include <span>

#include <nlohmann/json.hpp>

namespace aya::test {

struct Wording {
  const char* name;
  // nullopt: this policy has nothing that could be said so.
  std::optional<nlohmann::json> (*say)(nlohmann::json policy);
};

std::span<const Wording> wordings();

}  // namespace aya::test
