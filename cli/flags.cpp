#include "cli/flags.h"

#include <algorithm>

#include "cli/text.h"
#include "proto/base/parse_number.h"

namespace aya::cli {

std::optional<bool> parse_boolean(std::string_view text) {
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

Flags::Flag& Flags::add(std::string name, std::string help, std::string wanted) {
  Flag& flag = flags_.emplace_back();
  flag.name = std::move(name);
  flag.help = std::move(help);
  flag.wanted = std::move(wanted);
  return flag;
}

void Flags::boolean(std::string name, bool& value, std::string help) {
  Flag& flag = add(std::move(name), std::move(help), "true or false");
  flag.takes_value = false;
  flag.set = [&value](const std::string& text) {
    const auto parsed = parse_boolean(text);
    if (parsed) value = *parsed;
    return parsed.has_value();
  };
}

void Flags::boolean(std::string name, std::optional<bool>& value, std::string help) {
  Flag& flag = add(std::move(name), std::move(help), "true or false");
  flag.takes_value = false;
  flag.set = [&value](const std::string& text) {
    value = parse_boolean(text);
    return value.has_value();
  };
}

void Flags::boolean_or(
    std::string name, bool& value, std::string word, bool& chosen, std::string help) {
  Flag& flag = add(std::move(name), std::move(help), "true, false or " + word);
  flag.takes_value = false;
  flag.set = [&value, &chosen, word = std::move(word)](const std::string& text) {
    chosen = text == word;
    const auto parsed = chosen ? std::optional(true) : parse_boolean(text);
    if (parsed) value = *parsed;
    return parsed.has_value();
  };
}

void Flags::text(std::string name, std::string& value, std::string help) {
  add(std::move(name), std::move(help), "text").set = [&value](const std::string& text) {
    value = text;
    return true;
  };
}

void Flags::text(std::string name, std::optional<std::string>& value, std::string help) {
  add(std::move(name), std::move(help), "text").set = [&value](const std::string& text) {
    value = text;
    return true;
  };
}

void Flags::number(std::string name, std::uint64_t& value, std::string help) {
  add(std::move(name), std::move(help), "a whole number").set = [&value](const std::string& text) {
    const auto number = parse_number<std::uint64_t>(text);
    if (number) value = *number;
    return number.has_value();
  };
}

void Flags::duration(std::string name, Duration& value, std::string help) {
  add(std::move(name), std::move(help), "a duration like 5s or 1m30s").set =
      [&value](const std::string& text) {
        const auto parsed = parse_go_duration(text);
        if (parsed) value = *parsed;
        return parsed.has_value();
      };
}

void Flags::duration(std::string name, std::optional<Duration>& value, std::string help) {
  add(std::move(name), std::move(help), "a duration like 5s or 1m30s").set =
      [&value](const std::string& text) {
        value = parse_go_duration(text);
        return value.has_value();
      };
}

void Flags::alias(std::string name, std::string of) {
  aliases_.emplace_back(std::move(name), std::move(of));
}

void Flags::unsupported(std::vector<std::string> names) { unsupported_ = std::move(names); }

const Flags::Flag* Flags::find(std::string_view name) const {
  for (const auto& [other, of] : aliases_) {
    if (name == other) name = of;
  }
  const auto found = std::ranges::find(flags_, name, &Flag::name);
  return found == flags_.end() ? nullptr : &*found;
}

FlagError Flags::unknown(std::string_view name) const {
  if (std::ranges::find(unsupported_, name) != unsupported_.end()) {
    return {"--" + std::string(name) + " is not supported yet"};
  }
  std::vector<std::string> names;
  for (const Flag& flag : flags_) names.push_back(flag.name);
  std::string text = "unknown flag --" + printable(name);
  if (const auto guess = nearest(name, names)) text += "; did you mean --" + *guess + "?";
  return {std::move(text)};
}

Result<std::vector<std::string>, FlagError> Flags::parse(const std::vector<std::string>& args) {
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (arg == "--") {
      arguments.insert(
          arguments.end(), args.begin() + static_cast<std::ptrdiff_t>(i) + 1, args.end());
      break;
    }
    if (arg.size() < 2 || arg[0] != '-') {
      arguments.emplace_back(arg);
      continue;
    }
    arg.remove_prefix(arg[1] == '-' ? 2 : 1);
    const std::size_t equals = arg.find('=');
    const std::string name(arg.substr(0, equals));
    if (name == "help" || name == "h") return FlagError{"", true};
    const Flag* flag = find(name);
    if (flag == nullptr) return unknown(name);
    if (given(flag->name)) {
      return FlagError{"flag --" + flag->name + " is given more than once"};
    }
    std::string value = "true";
    if (equals != std::string_view::npos) {
      value = arg.substr(equals + 1);
    } else if (flag->takes_value) {
      if (++i == args.size()) return FlagError{"flag --" + flag->name + " needs a value"};
      value = args[i];
    }
    if (!flag->set(value)) {
      return FlagError{
          "invalid value " + in_quotes(value) + " for flag --" + flag->name + ": want " +
          flag->wanted};
    }
    order_.push_back(flag->name);
  }
  return arguments;
}

bool Flags::given(std::string_view name) const {
  return std::ranges::find(order_, name) != order_.end();
}

std::vector<Flags::Description> Flags::descriptions() const {
  std::vector<Description> out;
  for (const Flag& flag : flags_) out.push_back({flag.name, flag.help, flag.takes_value});
  return out;
}

std::string Flags::help() const {
  std::string out;
  for (const Flag& flag : flags_) {
    std::string left = "  --" + flag.name + (flag.takes_value ? " VALUE" : "");
    if (left.size() < 30) left.resize(30, ' ');
    out += left + "  " + flag.help + "\n";
  }
  return out;
}

}  // namespace aya::cli
