// Looks at everything a server needs and says of each whether it is well, and what to do if not.
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "coord-server/app/backup.h"
#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "coord-server/smtp/smtp_link.h"

namespace aya::coord {
namespace {

constexpr std::uint64_t kLittleSpace = 100 * 1024 * 1024;

struct Finding {
  std::string what;
  std::string trouble;  // empty: it is well
  std::string note = {};
};

std::string folder_trouble(const std::string& dir) {
  struct stat facts {};
  if (::stat(dir.c_str(), &facts) != 0) return "cannot be read; run this as root";
  if ((facts.st_mode & 0077) != 0) return "others may read it; chmod 700 " + dir;
  return {};
}

std::string space_trouble(const std::string& dir) {
  struct statvfs facts {};
  if (::statvfs(dir.c_str(), &facts) != 0) return "unknown";
  const std::uint64_t free = std::uint64_t{facts.f_bavail} * facts.f_frsize;
  if (free >= kLittleSpace) return {};
  return std::to_string(free / (1024 * 1024)) + " MB are left; free some";
}

std::string text_of(const Result<void, StartError>& done) {
  return done ? std::string() : done.error().text;
}

// Whether the mail server takes mail is for `mail test` to find out.
Finding mail_finding(const Installation& installation) {
  auto server = installation.smtp_server();
  if (!server) return {"mail", server.error().text};
  if (!*server) return {"mail", "", "not configured: smtp_url is not set"};
  if (std::string missing = smtp::missing_library(); !missing.empty()) return {"mail", missing};
  return {"mail", "", "by " + installation.config.smtp->url()};
}

std::vector<Finding> look(const Invocation& call) {
  auto installation = open_installation(call.places);
  std::vector<Finding> out = {{"configuration", installation ? "" : installation.error().text}};
  if (!installation) return out;
  out.push_back({"folder", folder_trouble(call.places.state)});
  out.push_back({"disk space", space_trouble(call.places.state)});
  out.push_back({"certificate", text_of(check_certificate(installation->tls_files()))});
  out.push_back({"database", text_of(check_database(*installation))});
  out.push_back(mail_finding(*installation));
  auto status = call.client.call("GET", "/status");
  out.push_back({"server", status ? "" : status.error().text});
  return out;
}

}  // namespace

Done doctor_command(const Invocation& call) {
  Json shown = Json::array();
  std::string text;
  std::size_t ill = 0;
  for (const Finding& finding : look(call)) {
    const bool well = finding.trouble.empty();
    if (!well) ++ill;
    const std::string& said = well ? finding.note : finding.trouble;
    shown.push_back(
        {{"what", finding.what},
         {"ok", well},
         {"trouble", finding.trouble},
         {"note", finding.note}});
    text += (well ? "ok      " : "FAILED  ") + finding.what +
            (said.empty() ? "" : ": " + printable(said)) + '\n';
  }
  print(call.json ? json_text(shown) : text);
  if (ill == 0) return {};
  return Failure{Exit::Failed, std::to_string(ill) + " of these need attention"};
}

}  // namespace aya::coord
