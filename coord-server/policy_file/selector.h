// Who or what a rule speaks of: "group:dev", "tag:web", "alice@example.com", "10.0.0.0/8", "*".
//
// A selector is told apart by its spelling alone; whether what it names exists is for the reader of
// the whole file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/netaddr/prefix.h"

namespace aya::policy_file {

struct Selector {
  enum class Kind {
    Any,         // "*"
    User,        // "alice@example.com", "alice@"
    UserDomain,  // "user:*@example.com": `name` is the domain
    Group,       // "group:dev"
    Tag,         // "tag:web"
    IpSet,       // "ipset:offices"
    Service,     // "svc:db"
    Host,        // a name of the file's own hosts
    Address,     // "100.64.0.7", "10.0.0.0/8"
    // "autogroup:…"
    Member,
    Tagged,
    Self,
    Internet,
    DangerAll,
    Shared,
    Nonroot,
    Role,  // "autogroup:admin": `name` is the role
    UnknownAutogroup,
  };
  Kind kind = Kind::Any;
  std::string text;              // as written
  std::string name;              // what follows the colon, where the kind says so
  std::optional<Prefix> prefix;  // of an address, and of a host once it was looked up

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_autogroup() const { return kind >= Kind::Member; }
  friend bool operator==(const Selector& a, const Selector& b) { return a.text == b.text; }
};

Selector parse_selector(std::string_view text);

// "10.0.0.1" and "10.0.0.0/8", host bits cleared.
std::optional<Prefix> parse_address_or_prefix(std::string_view text);

}  // namespace aya::policy_file
