// Conditions about the state of a device: "node:os == 'linux'", "node:tsVersion >= '1.40'",
// "node:os IN ['macos', 'linux']", "custom:tier IS SET" (interfaces 5.1, postures).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace aya::policy_file {

// What is known of a device; values as text ("true", "3", "1.102.5").
using PostureAttributes = std::map<std::string, std::string, std::less<>>;

struct PostureCondition {
  enum class Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    IsSet,
    NotSet
  };
  std::string attribute;
  Operator is = Operator::IsSet;
  std::vector<std::string> values;
};

Result<PostureCondition, std::string> parse_condition(std::string_view text);

// An attribute that is not known meets no condition but NOT SET. Greater and less compare versions:
// number by number between the dots.
bool meets(const PostureAttributes& device, const PostureCondition& condition);

}  // namespace aya::policy_file
