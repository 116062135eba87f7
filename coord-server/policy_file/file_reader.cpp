#include "coord-server/policy_file/file_reader.h"

#include <algorithm>

namespace aya::policy_file {

Refusal refuse_at(const Position& at, const std::string& message) {
  return refuse(message + ": " + at.to_text());
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

std::vector<Selector> selectors(const std::vector<std::string>& texts) {
  std::vector<Selector> out;
  for (const std::string& text : texts) out.push_back(parse_selector(text));
  return out;
}

Read<Fields> Fields::of(const Value& value, std::string_view what) {
  if (!value.is(Kind::Object)) {
    return refuse_at(value.at, std::string(what) + ": want an object");
  }
  Fields out;
  out.object_ = &value;
  out.what_ = what;
  return out;
}

const Value* Fields::value(std::string_view name) {
  const Value* found = nullptr;
  for (const Member& member : object_->members) {
    if (!same_name(member.name, name)) continue;
    known_.push_back(&member);
    found = &member.value;
  }
  return found == nullptr || found->is(Kind::Null) ? nullptr : found;
}

const Value* Fields::find(std::string_view name, Kind wanted, const char* want) {
  const Value* found = value(name);
  if (found == nullptr || found->is(wanted)) return found;
  if (!refusal_) {
    refusal_ = refuse_at(found->at, what_ + '.' + std::string(name) + ": want " + want);
  }
  return nullptr;
}

std::string Fields::text(std::string_view name) {
  const Value* found = find(name, Kind::String, "a string");
  return found == nullptr ? std::string() : found->text;
}

bool Fields::flag(std::string_view name) {
  const Value* found = find(name, Kind::Bool, "true or false");
  return found != nullptr && found->flag;
}

std::vector<std::string> Fields::texts(std::string_view name) {
  std::vector<std::string> out;
  const Value* found = find(name, Kind::Array, "a list of strings");
  if (found == nullptr) return out;
  for (const Value& item : found->items) {
    if (!item.is(Kind::String)) {
      if (!refusal_) {
        refusal_ = refuse_at(item.at, what_ + '.' + std::string(name) + ": want a list of strings");
      }
      break;
    }
    out.push_back(item.text);
  }
  return out;
}

std::optional<Refusal> Fields::done() const {
  if (refusal_) return refusal_;
  for (const Member& member : object_->members) {
    if (std::ranges::count(known_, &member) == 0) {
      return refuse_at(member.at, what_ + ": unknown field " + quoted(member.name));
    }
  }
  return std::nullopt;
}

std::optional<Refusal> resolve(const Context& c, Selector& selector) {
  const PolicyFile& policy = c.policy;
  const auto missing = [&](const char* what) {
    return refuse(std::string(what) + " not found: " + quoted(selector.text));
  };
  switch (selector.kind) {
    case Selector::Kind::Group:
      if (!policy.groups.contains(selector.text)) return missing("group");
      break;
    case Selector::Kind::Tag:
      if (!policy.defines_tag(selector.text)) return missing("tag");
      break;
    case Selector::Kind::IpSet:
      if (!policy.ip_sets.contains(selector.text)) return missing("ipset");
      break;
    case Selector::Kind::UserDomain:
      if (std::ranges::count(c.realm.domains, selector.name) == 0) {
        return refuse(
            selector.name +
            " is not associated with this Tailnet and cannot be used in "
            "user:*@<domain> expressions");
      }
      break;
    case Selector::Kind::Host: {
      const auto host = policy.hosts.find(selector.name);
      if (host == policy.hosts.end()) return missing("host");
      selector.prefix = host->second;
      break;
    }
    case Selector::Kind::UnknownAutogroup:
      return refuse("unknown autogroup " + quoted(selector.text));
    default:
      break;
  }
  return std::nullopt;
}

}  // namespace aya::policy_file
