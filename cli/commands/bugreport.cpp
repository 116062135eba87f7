#include <algorithm>
#include <map>

#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/tarball.h"
#include "cli/text.h"
#include "proto/base/version.h"
#include "proto/http/target.h"
#include "proto/local/log_lines.h"

namespace aya::cli {
namespace {

constexpr auto kNetcheckTime = 30s;

constexpr std::string_view kReadMe =
    "Collected by `ayatori bugreport`; nothing was sent anywhere. People are replaced by "
    "person-1,\n"
    "person-2, ..., keys that open something by KEY. Names and addresses of machines are as they\n"
    "are: look through the files before you send them.\n";

bool may_be_in_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == ':';
}

void replace_all(std::string& text, const std::string& what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

// Whoever gets the report learns what happened, not who these people are.
class Redaction {
 public:
  explicit Redaction(const local::Status& status) {
    std::size_t number = 0;
    for (const auto& [id, user] : status.users) {
      const std::string person = "person-" + std::to_string(++number);
      for (const std::string& text : {user.profile_pic_url, user.login_name, user.display_name}) {
        if (text.size() > 2) people_.emplace_back(text, person);
      }
    }
    // A name may be a part of another.
    std::ranges::stable_sort(people_, std::greater(), [](const auto& p) { return p.first.size(); });
  }

  std::string operator()(std::string text) const {
    for (const auto& [name, person] : people_) {
      replace_all(text, name, person);
      // As it stands inside JSON.
      const std::string quoted = json_string(name);
      replace_all(text, quoted.substr(1, quoted.size() - 2), person);
    }
    for (const std::string prefix : {"privkey:", "tskey-", "aykey-", "hskey-"}) {
      for (std::size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) {
        std::size_t end = at;
        while (end < text.size() && may_be_in_key(text[end])) ++end;
        text.replace(at, end - at, "KEY");
        at += 3;
      }
    }
    return text;
  }

 private:
  std::vector<std::pair<std::string, std::string>> people_;
};

struct Wish {
  std::string note, output;
  bool diagnose = false, record = false;
};

// What the daemon would not say becomes the content: why is part of the report.
std::string asked(
    Context& context, std::string_view target, std::optional<Duration> timeout = std::nullopt) {
  const auto body = context.client.call("GET", target, "", timeout);
  return body ? *body : "(" + context.failure(body.error()).text + ")\n";
}

std::string log_text(Context& context) {
  const std::string body = asked(context, "daemon-logs");
  const auto log = local::parse_log_lines(body);
  if (!log) return body;
  return join(log->lines, "\n") + "\n";
}

Result<std::string, Failure> mark(Context& context, const Wish& wish) {
  std::string target = "bugreport?note=" + http::percent_encode(wish.note);
  if (wish.diagnose) target += "&diagnose=true";
  const auto body = context.call("POST", target);
  if (!body) return body.error();
  return std::string(trim(*body));
}

// The end of a marker, which no other one has: all of it is too long for a name.
std::string report_name(const std::string& marker) {
  return "ayatori-bug-" + marker.substr(marker.rfind('-') + 1);
}

Outcome pack(Context& context, const Wish& wish, const std::string& marker) {
  const auto status = context.status();
  if (!status) return status.error();
  const Redaction redacted(*status);
  const auto seconds =
      std::chrono::floor<std::chrono::seconds>(context.console.wall_now()).time_since_epoch();
  Tarball tarball(seconds.count());
  const std::string folder = report_name(marker) + "/";
  const auto add = [&](std::string_view name, std::string content) {
    tarball.add(folder + std::string(name), redacted(std::move(content)));
  };
  add("README", std::string(kReadMe) + "\nmarker: " + marker + "\nnote: " + wish.note +
                    "\nprogram: " + std::string(kVersion) + "\ndaemon: " + status->version + "\n");
  add("status.json", asked(context, "status"));
  add("prefs.json", asked(context, "prefs"));
  add("dns.json", asked(context, "dns-config"));
  add("metrics.txt", asked(context, "usermetrics"));
  add("counters.txt", asked(context, "metrics"));
  add("log.txt", log_text(context));
  if (wish.diagnose) {
    add("derpmap.json", asked(context, "derpmap"));
    add("netcheck.json", asked(context, "netcheck", kNetcheckTime));
  }
  const auto made = context.console.make_file(wish.output, std::move(tarball).finish());
  if (!made) return Failure{Exit::Failed, made.error().text};
  context.out(wish.output + "\n");
  context.tell("look through it before you send it to anybody");
  return {};
}

}  // namespace

// The stock program prints the marker alone, since its logs are elsewhere: strictly, so do we.
Outcome bugreport(Context& context, const Arguments& args) {
  Wish wish;
  Flags flags;
  flags.boolean("diagnose", wish.diagnose, "also look at the network around here");
  flags.boolean("record", wish.record, "wait while you make the fault happen, and mark both ends");
  flags.text("output", wish.output, "file to write (default: in the folder for temporary files)");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() > 1)
    return Failure{Exit::BadArgument, "unexpected argument: put notes in quotes"};
  if (!left->empty()) wish.note = left->front();

  auto marker = mark(context, wish);
  if (!marker) return marker.error();
  context.out(printable(*marker) + "\n");
  if (wish.record) {
    context.err("The fault is being recorded. Make it happen, then press Enter.\n");
    context.console.read_line();
    const auto end = mark(context, wish);
    if (!end) return end.error();
    context.out(printable(*end) + "\n");
  }
  if (context.strict) return {};
  if (wish.output.empty()) {
    wish.output =
        context.console.env("TMPDIR").value_or("/tmp") + "/" + report_name(*marker) + ".tar";
  }
  return pack(context, wish, *marker);
}

}  // namespace aya::cli
