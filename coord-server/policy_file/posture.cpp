#include "coord-server/policy_file/posture.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>

namespace aya::policy_file {
namespace {

using Operator = PostureCondition::Operator;

struct Word {
  std::string_view text;
  Operator is;
};

// Longer ones before those they begin with.
constexpr std::array kOperators = {
    Word{"==", Operator::Equal},       Word{"!=", Operator::NotEqual},
    Word{"<=", Operator::LessOrEqual}, Word{">=", Operator::GreaterOrEqual},
    Word{"<", Operator::Less},         Word{">", Operator::Greater},
    Word{"IN", Operator::In},          Word{"NOT IN", Operator::NotIn},
    Word{"IS SET", Operator::IsSet},   Word{"NOT SET", Operator::NotSet},
};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
      text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

std::vector<std::string> listed(std::string_view text) {
  std::vector<std::string> out;
  text = trimmed(text);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    out.push_back(unquoted(text.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  return out;
}

// The number that `text` begins with, which is removed; 0 if it begins with none.
std::uint64_t take_number(std::string_view& text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (!text.empty() && (text.front() < '0' || text.front() > '9')) text.remove_prefix(1);
  return out;
}

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    const std::uint64_t in_a = take_number(a), in_b = take_number(b);
    if (in_a != in_b) return in_a <=> in_b;
  }
  return std::strong_ordering::equal;
}

bool is_operand_list(Operator is) { return is == Operator::In || is == Operator::NotIn; }
bool needs_operand(Operator is) { return is != Operator::IsSet && is != Operator::NotSet; }

}  // namespace

Result<PostureCondition, std::string> parse_condition(std::string_view text) {
  const auto wrong = [&] { return "invalid posture condition \"" + std::string(text) + '"'; };
  const std::string_view whole = trimmed(text);
  const std::size_t name_end = whole.find_first_of(" =!<>");
  if (name_end == std::string_view::npos || name_end == 0) return wrong();
  PostureCondition out;
  out.attribute = whole.substr(0, name_end);
  const std::string_view rest = trimmed(whole.substr(name_end));
  const auto found =
      std::ranges::find_if(kOperators, [&](const Word& one) { return rest.starts_with(one.text); });
  if (found == kOperators.end() || out.attribute.find(':') == std::string::npos) return wrong();
  out.is = found->is;
  const std::string_view operand = trimmed(rest.substr(found->text.size()));
  if (needs_operand(out.is) == operand.empty()) return wrong();
  if (is_operand_list(out.is)) {
    out.values = listed(operand);
  } else if (needs_operand(out.is)) {
    out.values = {unquoted(operand)};
  }
  return out;
}

bool meets(const PostureAttributes& device, const PostureCondition& condition) {
  const auto known = device.find(condition.attribute);
  if (known == device.end()) return condition.is == Operator::NotSet;
  const std::string& value = known->second;
  const auto order = [&] { return compare_versions(value, condition.values[0]); };
  const auto listed_there = [&] { return std::ranges::count(condition.values, value) > 0; };
  switch (condition.is) {
    case Operator::Equal:
    case Operator::In:
      return listed_there();
    case Operator::NotEqual:
    case Operator::NotIn:
      return !listed_there();
    case Operator::Less:
      return order() < 0;
    case Operator::LessOrEqual:
      return order() <= 0;
    case Operator::Greater:
      return order() > 0;
    case Operator::GreaterOrEqual:
      return order() >= 0;
    case Operator::IsSet:
      return true;
    case Operator::NotSet:
      break;
  }
  return false;
}

}  // namespace aya::policy_file
