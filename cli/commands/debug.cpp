#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/text.h"
#include "proto/base/parse_number.h"
#include "proto/local/log_lines.h"
#include "proto/local/notify.h"
#include "proto/netaddr/site_address.h"

namespace aya::cli {
namespace {

Outcome print_json(Context& context, std::string_view target, char indent_with, int count) {
  const auto body = context.call("GET", target);
  if (!body) return body.error();
  context.out(reindented(*body, indent_with, count));
  return {};
}

Outcome prefs(Context& context, const Arguments& args) {
  if (auto none = context.expect_no_arguments(args); !none) return none;
  return print_json(context, "prefs", '\t', 1);
}

Outcome relay_map(Context& context, const Arguments& args) {
  if (auto none = context.expect_no_arguments(args); !none) return none;
  return print_json(context, "derpmap", ' ', 1);
}

Outcome netmap(Context& context, const Arguments& args) {
  if (auto none = context.expect_no_arguments(args); !none) return none;
  const auto bus = context.client.watch(local::kWatchInitialState | local::kWatchInitialNetMap);
  if (!bus) return context.failure(bus.error());
  const auto first = (*bus)->next(context.console, context.console.now() + 10s);
  if (!first) return context.failure(first.error());
  const std::string map = field_of(*first, "NetMap");
  if (map.empty()) return Failure{Exit::NeedsLogin, "there is no network map yet"};
  context.out(reindented(map, '\t', 1));
  return {};
}

Outcome watch(Context& context, const Arguments& args) {
  std::uint64_t mask = 0, count = 0;
  bool initial = false, show_map = true;
  Flags flags;
  flags.number("mask", mask, "bits of the bus to ask for");
  flags.number("count", count, "end after so many messages (default: never)");
  flags.boolean("initial", initial, "also what is already so");
  flags.boolean("netmap", show_map, "with network maps (default true)");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  if (initial) {
    mask |= local::kWatchInitialState | local::kWatchInitialPrefs | local::kWatchInitialNetMap |
            local::kWatchInitialHealth;
  }
  if (!show_map) mask |= local::kWatchNoNetMap;
  const auto bus = context.client.watch(mask);
  if (!bus) return context.failure(bus.error());
  for (std::uint64_t seen = 0; count == 0 || seen < count; ++seen) {
    const auto line = (*bus)->next(context.console, std::nullopt);
    if (!line) return context.failure(line.error());
    if (!context.out(reindented(*line, '\t', 1))) return {};
  }
  return {};
}

Outcome action(Context& context, const Arguments& args, std::string_view name) {
  if (auto none = context.expect_no_arguments(args); !none) return none;
  const auto done = context.call("POST", "debug?action=" + std::string(name));
  return done ? Outcome() : Outcome(done.error());
}

Outcome rebind(Context& context, const Arguments& args) { return action(context, args, "rebind"); }
Outcome restun(Context& context, const Arguments& args) { return action(context, args, "restun"); }

Outcome raw_call(Context& context, const Arguments& args) {
  if (args.empty() || args.size() > 2) {
    return Failure{Exit::BadArgument, "usage: debug localapi [METHOD] PATH"};
  }
  std::string_view path = args.back();
  constexpr std::string_view kBase = "/localapi/v0/";
  if (path.starts_with(kBase)) path.remove_prefix(kBase.size());
  const std::string method = args.size() == 2 ? args.front() : "GET";
  const auto body = context.call(method, path);
  if (!body) return body.error();
  context.out(*body);
  return {};
}

Outcome counters(Context& context, const Arguments& args) {
  if (auto none = context.expect_no_arguments(args); !none) return none;
  const auto page = context.call("GET", "metrics");
  if (!page) return page.error();
  context.out(*page);
  return {};
}

Outcome daemon_logs(Context& context, const Arguments& args) {
  bool follow = true;
  Flags flags;
  flags.boolean("follow", follow, "go on with new lines (default true)");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  std::uint64_t seen = 0;
  while (true) {
    const auto body = context.call("GET", "daemon-logs?after=" + std::to_string(seen));
    if (!body) return body.error();
    const auto log = local::parse_log_lines(*body);
    if (!log) return Failure{Exit::Failed, "the daemon's log is not readable"};
    for (const std::string& line : log->lines) {
      if (!context.out(printable(line) + "\n")) return {};
    }
    if (!follow) return {};
    // A daemon that was restarted counts anew.
    seen = log->next;
    context.console.sleep_until(context.console.now() + 500ms);
  }
}

Outcome reload_config(Context& context, const Arguments& args) {
  if (auto none = context.expect_no_arguments(args); !none) return none;
  const auto answer = context.call("POST", "reload-config");
  if (!answer) return answer.error();
  const std::string problem = text_field(*answer, "Err");
  if (!problem.empty()) return Failure{Exit::Failed, printable_lines(problem)};
  if (field_of(*answer, "Reloaded") != "true") {
    return Failure{Exit::Failed, "the daemon was started without --config"};
  }
  return {};
}

// The route by which one of several homes with the same addresses is offered, and what it stands
// for: the number of a site and its network, or the route itself.
Outcome via(Context& context, const Arguments& args) {
  constexpr const char* kUsage = "usage: debug via SITE-NUMBER IPV4-NETWORK | debug via ROUTE";
  if (args.size() == 1) {
    const auto route = Prefix::parse(args.front());
    const auto site = route ? parse_site_prefix(*route) : std::nullopt;
    if (!site) return Failure{Exit::BadArgument, kUsage};
    context.out("site " + std::to_string(site->site) + ", " + site->inner.to_text() + "\n");
    return {};
  }
  if (args.size() != 2) return Failure{Exit::BadArgument, kUsage};
  const auto site = parse_number<std::uint32_t>(args[0]);
  if (!site) return Failure{Exit::BadArgument, "a site has a number, like 7"};
  const auto network = Prefix::parse(args[1]);
  if (!network || !network->address.is_v4() || !network->is_canonical()) {
    return Failure{Exit::BadArgument, "a site has an IPv4 network, like 192.168.1.0/24"};
  }
  context.out(to_route({*site, *network}).to_text() + "\n");
  return {};
}

struct Part {
  std::string_view name;
  Outcome (*run)(Context&, const Arguments&);
};
constexpr Part kParts[] = {
    {"prefs", prefs},
    {"netmap", netmap},
    {"derp-map", relay_map},
    {"watch-ipn", watch},
    {"daemon-logs", daemon_logs},
    {"metrics", counters},
    {"reload-config", reload_config},
    {"rebind", rebind},
    {"restun", restun},
    {"localapi", raw_call},
    {"via", via},
};

}  // namespace

Outcome debug(Context& context, const Arguments& args) {
  const Arguments rest(args.empty() ? args.end() : args.begin() + 1, args.end());
  for (const Part& part : kParts) {
    if (!args.empty() && args.front() == part.name) return part.run(context, rest);
  }
  Flags none;
  if (args.empty()) return context.parse(none, {"--help"}).error();
  const auto left = context.parse(none, args);
  if (!left) return left.error();
  return Failure{Exit::BadArgument, "debug: unknown subcommand: " + printable(args.front())};
}

}  // namespace aya::cli
