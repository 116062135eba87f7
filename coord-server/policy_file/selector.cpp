#include "coord-server/policy_file/selector.h"

#include <algorithm>
#include <array>

namespace aya::policy_file {
namespace {

using Want = Selector::Kind;

struct Spelling {
  std::string_view text;
  Want kind;
};

constexpr std::array kPrefixes = {
    Spelling{"group:", Want::Group},       Spelling{"tag:", Want::Tag},
    Spelling{"ipset:", Want::IpSet},       Spelling{"svc:", Want::Service},
    Spelling{"user:*@", Want::UserDomain},
};

constexpr std::array kAutogroups = {
    Spelling{"member", Want::Member},      Spelling{"members", Want::Member},
    Spelling{"tagged", Want::Tagged},      Spelling{"self", Want::Self},
    Spelling{"internet", Want::Internet},  Spelling{"danger-all", Want::DangerAll},
    Spelling{"shared", Want::Shared},      Spelling{"nonroot", Want::Nonroot},
    Spelling{"owner", Want::Role},         Spelling{"admin", Want::Role},
    Spelling{"it-admin", Want::Role},      Spelling{"network-admin", Want::Role},
    Spelling{"billing-admin", Want::Role}, Spelling{"auditor", Want::Role},
};

constexpr std::string_view kAutogroup = "autogroup:";

Want autogroup(std::string_view name) {
  const auto known = std::ranges::find(kAutogroups, name, &Spelling::text);
  return known == kAutogroups.end() ? Want::UnknownAutogroup : known->kind;
}

}  // namespace

std::optional<Prefix> parse_address_or_prefix(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (const auto address = IpAddress::parse(text)) return Prefix::host(*address);
  const auto prefix = Prefix::parse(text);
  if (!prefix) return std::nullopt;
  return prefix->masked();
}

Selector parse_selector(std::string_view text) {
  Selector out;
  out.text = text;
  if (text == "*") return out;
  if (text.starts_with(kAutogroup)) {
    out.name = text.substr(kAutogroup.size());
    out.kind = autogroup(out.name);
    return out;
  }
  for (const Spelling& spelling : kPrefixes) {
    if (!text.starts_with(spelling.text)) continue;
    out.kind = spelling.kind;
    out.name = text.substr(spelling.text.size());
    return out;
  }
  out.name = text;
  out.prefix = parse_address_or_prefix(text);
  out.kind = out.prefix                                 ? Want::Address
             : text.find('@') != std::string_view::npos ? Want::User
                                                        : Want::Host;
  return out;
}

}  // namespace aya::policy_file
