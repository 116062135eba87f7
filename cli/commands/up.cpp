#include <algorithm>

#include "cli/commands/join_key.h"
#include "cli/commands/table.h"
#include "cli/commands/up_plan.h"
#include "cli/commands/up_wait.h"
#include "cli/json_text.h"
#include "cli/text.h"
#include "proto/local/login_profile.h"
#include "proto/local/start_request.h"

namespace aya::cli {
namespace {

using local::BackendState;
using local::Prefs;
using local::Status;

// Nobody has to be asked when a key decides, or when there is nothing to log in to.
constexpr auto kTimeoutWithoutPerson = 60s;
constexpr auto kWarnBeforeExpiry = std::chrono::hours(24) * 14;

struct UpFlags {
  UpOptions options;
  std::string auth_key_source, client_secret_source, id_token_source;
  JoinCredentials credentials;
  bool json = false, events = false, no_wait = false, qr = false;
  std::string qr_format = "auto";
  std::optional<Duration> timeout;
};

void add_flags(Flags& flags, UpFlags& up) {
  flags.text(
      "auth-key", up.auth_key_source, "key to log in with; also file:PATH, env:NAME, - for stdin");
  flags.alias("authkey", "auth-key");
  flags.boolean("reset", up.options.reset, "unmentioned settings return to their defaults");
  flags.boolean("force-reauth", up.options.force_reauth, "log in again");
  flags.duration("timeout", up.timeout, "give up after this time (with a key: 60s, else never)");
  flags.boolean("no-wait", up.no_wait, "print where to log in and end with status 4");
  flags.boolean_or(
      "json", up.json, "events", up.events, "print JSON; =events: a line for every step");
  flags.boolean("qr", up.qr, "show the address of the login as a QR code");
  flags.text("qr-format", up.qr_format, "auto, small, large or ascii");
  flags.text(
      "client-id", up.credentials.client_id, "federated identity of the network to join as");
  flags.text(
      "id-token", up.id_token_source, "token for that identity; also as --auth-key may be given");
  flags.text(
      "audience", up.credentials.audience, "ask for such a token, where jobs get them, for this");
  flags.text(
      "client-secret", up.client_secret_source,
      "OAuth client to join as; also as --auth-key may be given");
  flags.unsupported({"unattended", "accept-risk"});
}

// A terminal that says nothing about UTF-8 gets what every terminal has.
Result<QrFormat, Failure> read_qr_format(const Console& console, const std::string& name) {
  if (name == "small") return QrFormat::Small;
  if (name == "large") return QrFormat::Large;
  if (name == "ascii") return QrFormat::Ascii;
  if (name != "auto") {
    return Failure{Exit::BadArgument, "--qr-format takes auto, small, large or ascii"};
  }
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto locale = console.env(variable);
    if (!locale) continue;
    const bool utf8 = locale->ends_with("UTF-8") || locale->ends_with("utf8");
    return utf8 ? QrFormat::Small : QrFormat::Ascii;
  }
  return QrFormat::Ascii;
}

// Keys on a command line can be read by every user of the machine; hence the other ways.
Result<std::string, Failure> read_secret(Console& console, const std::string& source) {
  if (source == "-") return std::string(trim(console.read_stdin()));
  if (source.starts_with("file:")) {
    const auto text = console.read_file(source.substr(5));
    if (!text) return Failure{Exit::Failed, text.error().text};
    return std::string(trim(*text));
  }
  if (source.starts_with("env:")) {
    const auto value = console.env(source.c_str() + 4);
    if (!value)
      return Failure{Exit::Failed, "environment variable " + source.substr(4) + " is not set"};
    return *value;
  }
  return source;
}

Result<std::string, Failure> read_auth_key(Console& console, const std::string& source) {
  if (!source.empty()) return read_secret(console, source);
  for (const char* name : {"AYATORI_AUTHKEY", "TS_AUTHKEY"}) {
    if (const auto value = console.env(name)) return *value;
  }
  return std::string();
}

Outcome log_in(Context& context, const UpPlan& plan, const std::string& auth_key) {
  local::StartRequest request;
  request.update_prefs = plan.next;
  request.auth_key = auth_key;
  if (auto done = context.call("POST", "start", local::to_json(request)); !done) {
    return std::move(done).error();
  }
  if (!auth_key.empty()) return {};
  auto asked = context.call("POST", "login-interactive");
  return asked ? Outcome() : Outcome(std::move(asked).error());
}

Outcome edit(Context& context, const Prefs& current, const Prefs& next) {
  local::MaskedPrefs edit = local::difference(current, next);
  edit.set("WantRunning");
  auto done = context.call("PATCH", "prefs", local::to_json(edit));
  return done ? Outcome() : Outcome(std::move(done).error());
}

// Worth knowing once it runs. The stock command prints the first one, and to stdout.
void print_hints(Context& context, const Prefs& prefs, const Status& status) {
  const bool routes = std::ranges::any_of(
      status.peers, [](const local::PeerStatus& peer) { return !peer.primary_routes.empty(); });
  constexpr std::string_view kRoutes =
      "Some peers are advertising routes but --accept-routes is false";
  if (routes && !prefs.route_all) {
    if (context.strict) context.out(std::string(kRoutes) + "\n");
    context.tell(kRoutes);
  }
  if (status.self.key_expiry &&
      *status.self.key_expiry - context.console.wall_now() < kWarnBeforeExpiry) {
    context.tell("the key of this machine expires at " + to_rfc3339(*status.self.key_expiry));
  }
}

// A node that offers to forward needs a kernel that does.
void warn_of_forwarding(Context& context, const Prefs& prefs) {
  if (prefs.advertise_routes.empty()) return;
  const auto answer = context.client.get("check-ip-forwarding");
  if (!answer) return;  // of a daemon that cannot tell
  const std::string problem = text_field(*answer, "Warning");
  if (problem.empty()) return;
  if (context.strict) context.out("Warning: " + printable_lines(problem) + "\n");
  context.tell("warning: " + printable_lines(problem));
}

void tell_connected(Context& context, const Status& status) {
  std::vector<std::string> words;
  std::string name = status.self.dns_name;
  if (name.ends_with('.')) name.pop_back();
  if (!name.empty()) words.push_back(printable(name));
  for (const IpAddress& address : status.tailscale_ips) words.push_back(address.to_text());
  context.tell("connected: " + join(words, ", "));
}

// The last line of --json=events, also where there was nothing to wait for.
void print_running(Context& context, const Status& status) {
  std::string addresses;
  for (const IpAddress& address : status.tailscale_ips) {
    addresses += (addresses.empty() ? "" : ",") + json_string(address.to_text());
  }
  std::string name = status.self.dns_name;
  if (name.ends_with('.')) name.pop_back();
  print_step(
      context, "running", {{"Name", json_string(name)}, {"Addresses", "[" + addresses + "]"}});
}

// Subscribes first and acts then, so that nothing the daemon says is missed. What the bus opens
// with is how things were before.
Outcome carry_out(
    Context& context, const UpFlags& up, const UpPlan& plan, const Status& status,
    const Prefs& current) {
  UpWish wish;
  wish.server = plan.next.control_url;
  wish.login = plan.login;
  wish.wait = !up.no_wait;
  wish.output = up.events ? UpOutput::Events : up.json ? UpOutput::Json : UpOutput::Text;
  if (up.qr) {
    const auto format = read_qr_format(context.console, up.qr_format);
    if (!format) return format.error();
    wish.qr = *format;
  }
  const bool person = plan.login && up.options.auth_key.empty();
  if (up.timeout)
    wish.deadline = context.console.now() + *up.timeout;
  else if (!person)
    wish.deadline = context.console.now() + kTimeoutWithoutPerson;

  const auto bus = context.client.watch(local::kWatchInitialState | local::kWatchNoPrivateKeys);
  if (!bus) return context.failure(bus.error());
  const auto before = (*bus)->next(context.console, wish.deadline);
  if (!before) return context.failure(before.error());
  // Later than `status`: it may have come up in between, and would not say so again.
  const auto opening = local::parse_notify(*before);
  const auto state = opening && opening->state ? *opening->state : status.backend_state;
  if (plan.login) {
    context.tell("logging in to " + printable(wish.server));
    if (auto done = log_in(context, plan, up.options.auth_key); !done) return done;
    return wait_until_up(context, **bus, wish);
  }
  if (auto done = edit(context, current, plan.next); !done) return done;
  // Another pin makes the daemon connect anew: the server may show another certificate.
  const bool reconnects = plan.next.server_cert_pin != current.server_cert_pin;
  if (state == BackendState::Running && !reconnects) return {};
  return wait_until_up(context, **bus, wish);
}

Outcome bring_up(Context& context, UpFlags& up, const ChosenSettings& chosen) {
  const auto status = context.status();
  if (!status) return status.error();
  const auto current = context.prefs();
  if (!current) return current.error();
  const auto plan = plan_up(up.options, chosen, *status, *current);
  if (!plan) return plan.error();
  if (plan->login) {
    auto key = key_to_join_with(context, up.options.auth_key, up.credentials, plan->next);
    if (!key) return key.error();
    up.options.auth_key = *std::move(key);
  }

  const auto lines = changes(*current, plan->next, *status);
  for (const std::string& line : lines) context.tell(line);
  const bool idle = status->backend_state == BackendState::Running && !plan->login;
  if (idle && lines.empty()) context.tell("nothing to change");
  warn_of_forwarding(context, plan->next);
  if (auto done = carry_out(context, up, *plan, *status, *current); !done) return done;

  const auto now = context.status();
  if (!now) return now.error();
  if (!idle) tell_connected(context, *now);
  if (up.events) print_running(context, *now);
  print_hints(context, plan->next, *now);
  return {};
}

// Reads the flags of `up` and `login` into `up`.
Outcome read_flags(Context& context, const Arguments& args, Flags& flags, UpFlags& up) {
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  if (const auto format = read_qr_format(context.console, up.qr_format); !format) {
    return format.error();
  }
  auto key = read_auth_key(context.console, up.auth_key_source);
  if (!key) return key.error();
  up.options.auth_key = *std::move(key);
  auto secret = read_secret(context.console, up.client_secret_source);
  if (!secret) return secret.error();
  up.credentials.client_secret = *std::move(secret);
  auto token = read_secret(context.console, up.id_token_source);
  if (!token) return token.error();
  up.credentials.id_token = *std::move(token);
  up.options.any_flag = !flags.order().empty();
  up.options.strict = context.strict;
  return {};
}

}  // namespace

Outcome up(Context& context, const Arguments& args) {
  UpFlags up;
  Flags flags;
  ChosenSettings chosen(SettingsOf::Up, flags);
  add_flags(flags, up);
  if (auto read = read_flags(context, args, flags, up); !read) return read;
  return bring_up(context, up, chosen);
}

// The login in use is put aside; `switch` returns to it.
Outcome login(Context& context, const Arguments& args) {
  UpFlags up;
  Flags flags;
  ChosenSettings chosen(SettingsOf::Login, flags);
  add_flags(flags, up);
  if (auto read = read_flags(context, args, flags, up); !read) return read;

  const auto before = context.prefs();
  if (!before) return before.error();
  up.options.usual_server = before->control_url;
  up.options.usual_server_cert = before->server_cert_pin;
  const auto current = context.call("GET", "profiles/current");
  if (!current) return current.error();
  const auto left_behind = local::parse_login_profile(*current);
  if (auto fresh = context.call("PUT", "profiles/"); !fresh) return fresh.error();
  Outcome done = bring_up(context, up, chosen);
  if (!done && left_behind && !left_behind->id.empty()) {
    context.tell("to use the login from before: " + context.program + " switch " + left_behind->id);
  }
  return done;
}

}  // namespace aya::cli
