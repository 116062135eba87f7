// `tests` and `sshTests` (interfaces 5.5).
#include "coord-server/policy_file/file_reader.h"

namespace aya::policy_file {
namespace {

using Want = Selector::Kind;

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), more.begin(), more.end());
}

Read<PostureAttributes> attributes(const Value* value) {
  PostureAttributes out;
  if (value == nullptr) return out;
  if (!value->is(Kind::Object)) return refuse_at(value->at, "srcPostureAttrs: want an object");
  for (const Member& member : value->members) {
    const bool plain = member.value.is(Kind::String) || member.value.is(Kind::Number);
    out[member.name] = plain ? member.value.text : hujson::to_json(member.value);
  }
  return out;
}

std::optional<Refusal> check_ssh_destination(const Context& c, const Selector& to) {
  if (to.is(Want::Tag) && !c.policy.defines_tag(to.text)) {
    return refuse("SSH tests dst contains unknown tag " + quoted(to.text));
  }
  if (to.is(Want::Host) && !c.policy.hosts.contains(to.name)) {
    return refuse("SSH tests dst contains unknown host " + quoted(to.text));
  }
  return std::nullopt;
}

Read<void> read_ssh_test(const Context& c, const Value& value) {
  auto fields = Fields::of(value, "sshTests");
  if (!fields) return fields.error();
  SshTest test;
  test.at = value.at;
  test.src = fields->text("src");
  test.dst = selectors(fields->texts("dst"));
  test.accept = fields->texts("accept");
  test.deny = fields->texts("deny");
  test.check = fields->texts("check");
  if (auto refusal = fields->done()) return *refusal;
  for (Selector& destination : test.dst) {
    if (auto refusal = check_ssh_destination(c, destination)) return *refusal;
    if (destination.is(Want::Host)) destination.prefix = c.policy.hosts.at(destination.name);
  }
  c.policy.ssh_tests.push_back(std::move(test));
  return {};
}

}  // namespace

Read<AccessTest> read_test(const Value& value) {
  auto fields = Fields::of(value, "tests");
  if (!fields) return fields.error();
  AccessTest test;
  test.at = value.at;
  test.src = fields->text("src");
  if (const std::string old = fields->text("user"); test.src.empty()) test.src = old;
  test.proto = fields->text("proto");
  test.accept = fields->texts("accept");
  append(test.accept, fields->texts("allow"));
  test.deny = fields->texts("deny");
  auto posture = attributes(fields->value("srcPostureAttrs"));
  if (!posture) return posture.error();
  test.src_posture = std::move(*posture);
  if (auto refusal = fields->done()) return *refusal;
  return test;
}

Read<void> read_access_tests(const Context& c, const Value& value) {
  if (!value.is(Kind::Array)) return refuse_at(value.at, "tests: want a list");
  for (const Value& item : value.items) {
    auto test = read_test(item);
    if (!test) return test.error();
    c.policy.tests.push_back(std::move(*test));
  }
  return {};
}

Read<void> read_ssh_tests(const Context& c, const Value& value) {
  if (!value.is(Kind::Array)) return refuse_at(value.at, "sshTests: want a list");
  for (const Value& item : value.items) {
    if (auto read = read_ssh_test(c, item); !read) return read.error();
  }
  return {};
}

}  // namespace aya::policy_file
