// Walks the tree of a policy file and fills the model, section by section; each section's reader is
// a function of its own, in the file about it. Private to the room.
//
// Types are checked with where they stand ("line 3, column 9"); what names mean is checked with the
// words deployed tools know.
#pragma once

#include "coord-server/policy_file/policy_file.h"

namespace aya::policy_file {

using hujson::Kind;
using hujson::Member;
using hujson::Value;

template <class T>
using Read = Result<T, Refusal>;

inline Refusal refuse(std::string message) { return {400, std::move(message)}; }
Refusal refuse_at(const Position& at, const std::string& message);
std::string quoted(std::string_view text);

// The members of an object that a section knows. Names match in any case, as in Go.
class Fields {
 public:
  static Read<Fields> of(const Value& value, std::string_view what);
  // Each of these remembers the first refusal; absent and null give an empty value.
  std::string text(std::string_view name);
  bool flag(std::string_view name);
  std::vector<std::string> texts(std::string_view name);  // a list of strings
  const Value* value(std::string_view name);              // nullptr: absent or null
  // Anything that was not asked for is refused by its name.
  std::optional<Refusal> done() const;

  const Position& at() const { return object_->at; }

 private:
  const Value* find(std::string_view name, Kind wanted, const char* want);
  const Value* object_ = nullptr;
  std::string what_;
  std::vector<const Member*> known_;
  std::optional<Refusal> refusal_;
};

bool same_name(std::string_view a, std::string_view b);
std::vector<Selector> selectors(const std::vector<std::string>& texts);

// What sections need of those read before them.
struct Context {
  PolicyFile& policy;
  const Realm& realm;
};

// Does what a selector names exist? The refusal says what is missing: `tag not found: "tag:x"`.
// Fills in the address of a host.
std::optional<Refusal> resolve(const Context& c, Selector& selector);

Read<void> read_access_lists(const Context& c, const Value& value);
Read<void> read_grants(const Context& c, const Value& value);
Read<void> read_ssh(const Context& c, const Value& value);
Read<void> read_access_tests(const Context& c, const Value& value);
Read<void> read_ssh_tests(const Context& c, const Value& value);
Read<AccessTest> read_test(const Value& value);

}  // namespace aya::policy_file
