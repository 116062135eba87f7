// `ssh` (interfaces 5.6).
#include <algorithm>

#include "coord-server/policy_file/durations.h"
#include "coord-server/policy_file/file_reader.h"

namespace aya::policy_file {
namespace {

using Want = Selector::Kind;
using std::chrono::nanoseconds;

constexpr auto kLongestCheckPeriod = std::chrono::hours(168);

std::string trimmed(const std::string& text) {
  static constexpr const char* kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Read<bool> is_check(const std::string& action) {
  if (action.empty()) return refuse("action must be specified");
  if (action != "accept" && action != "check")
    return refuse(quoted(action) + " is not a valid action");
  return action == "check";
}

Read<std::optional<nanoseconds>> read_check_period(const std::string& text, bool check) {
  using Period = std::optional<nanoseconds>;
  if (text.empty()) return Period();
  if (!check) return refuse("checkPeriod can only be used with action \"check\"");
  if (text == "always") return Period(nanoseconds(0));
  const auto period = parse_duration(text);
  if (!period) return refuse("checkPeriod " + quoted(text) + " is not a duration");
  if (*period < nanoseconds(0)) {
    return refuse("checkPeriod " + duration_text(*period) + " must be a positive duration");
  }
  if (*period > kLongestCheckPeriod) {
    return refuse("checkPeriod " + duration_text(*period) + " is above the max (168h)");
  }
  if (*period == nanoseconds(0)) return Period();  // as if it were not there
  return Period(*period);
}

std::optional<Refusal> check_user(const Context& c, const std::string& user) {
  if (user.empty() || user == "*") return refuse("user " + quoted(user) + " is not valid");
  const auto domain = localpart_domain(user);
  if (domain && std::ranges::count(c.realm.domains, *domain) == 0) {
    return refuse(
        std::string(*domain) +
        " is not associated with this Tailnet and cannot be used in "
        "user:*@<domain> expressions");
  }
  return std::nullopt;
}

bool is_ssh_source(const Selector& source) {
  switch (source.kind) {
    case Want::Host:
    case Want::Self:
    case Want::Internet:
    case Want::DangerAll:
    case Want::Nonroot:
    case Want::Service:
      return false;
    default:
      return true;
  }
}

bool is_ssh_destination(const Selector& destination) {
  return destination.is(Want::Tag) || destination.is(Want::User) || destination.is(Want::Self) ||
         destination.is(Want::UnknownAutogroup);
}

bool is_tagged_source(const Selector& source) {
  return source.is(Want::Tag) || source.is(Want::Tagged);
}

std::optional<Refusal> check_pair(const SshRule& rule, const Selector& destination) {
  const bool tags = std::ranges::any_of(rule.src, is_tagged_source);
  if (destination.is(Want::Self)) {
    const bool fine = std::ranges::all_of(rule.src, [](const Selector& source) {
      return source.is(Want::User) || source.is(Want::UserDomain) || source.is(Want::Group) ||
             source.is(Want::Member) || source.is(Want::Role);
    });
    if (!fine)
      return refuse("autogroup:self can only be used with users, groups, or supported autogroups");
  } else if (destination.is(Want::User)) {
    if (tags)
      return refuse("tags in src can not reach devices of users: dst " + quoted(destination.text));
    const bool same = std::ranges::all_of(
        rule.src, [&](const Selector& source) { return source.text == destination.text; });
    if (!same)
      return refuse(
          "a user as dst can only be reached by the same user: dst " + quoted(destination.text));
  }
  return std::nullopt;
}

std::optional<Refusal> check_ends(const Context& c, SshRule& rule) {
  for (Selector& source : rule.src) {
    if (!is_ssh_source(source)) return refuse("invalid src " + quoted(source.text));
    if (auto missing = resolve(c, source)) {
      const bool own_words = source.is(Want::UserDomain);
      return own_words ? *missing : refuse("src=" + missing->message);
    }
  }
  for (Selector& destination : rule.dst) {
    if (!is_ssh_destination(destination)) return refuse("invalid dst " + quoted(destination.text));
    if (auto missing = resolve(c, destination)) return refuse("dst=" + missing->message);
    if (auto refusal = check_pair(rule, destination)) return refusal;
  }
  return std::nullopt;
}

Read<void> read_rule(const Context& c, const Value& value) {
  auto fields = Fields::of(value, "ssh");
  if (!fields) return fields.error();
  SshRule rule;
  rule.at = value.at;
  const std::string action = trimmed(fields->text("action"));
  rule.src = selectors(fields->texts("src"));
  rule.dst = selectors(fields->texts("dst"));
  for (const std::string& user : fields->texts("users")) rule.users.push_back(trimmed(user));
  const std::string period = fields->text("checkPeriod");
  rule.accept_env = fields->texts("acceptEnv");
  rule.recorder = selectors(fields->texts("recorder"));
  rule.enforce_recorder = fields->flag("enforceRecorder");
  if (auto refusal = fields->done()) return *refusal;
  auto check = is_check(action);
  if (!check) return check.error();
  rule.check = *check;
  auto check_period = read_check_period(period, rule.check);
  if (!check_period) return check_period.error();
  rule.check_period = *check_period;
  if (rule.users.empty()) return refuse("users must be specified");
  for (const std::string& user : rule.users) {
    if (auto refusal = check_user(c, user)) return *refusal;
  }
  if (auto refusal = check_ends(c, rule)) return *refusal;
  c.policy.ssh.push_back(std::move(rule));
  return {};
}

}  // namespace

std::optional<std::string_view> localpart_domain(std::string_view user) {
  static constexpr std::string_view kLocalpart = "localpart:*@";
  if (!user.starts_with(kLocalpart) || user.size() == kLocalpart.size()) return std::nullopt;
  return user.substr(kLocalpart.size());
}

Read<void> read_ssh(const Context& c, const Value& value) {
  if (!value.is(Kind::Array)) return refuse_at(value.at, "ssh: want a list");
  for (const Value& item : value.items) {
    if (auto read = read_rule(c, item); !read) return read.error();
  }
  return {};
}

}  // namespace aya::policy_file
