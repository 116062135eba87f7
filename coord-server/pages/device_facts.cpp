#include "coord-server/pages/device_facts.h"

namespace aya::pages {
namespace {

std::string listed(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

std::vector<std::string> texts_of(const std::vector<Prefix>& prefixes) {
  std::vector<std::string> out;
  for (const Prefix& prefix : prefixes) out.push_back(prefix.to_text());
  return out;
}

}  // namespace

std::string_view hindrance(const Tongue& say, const store::User& user) {
  if (user.status == "needs-approval") {
    return say(
        "An administrator has to approve you before you can add devices.",
        "端末を追加するには、管理者による利用者の承認が必要です。");
  }
  if (user.role == "auditor") {
    return say("Auditors have no devices.", "監査役は端末を追加できません。");
  }
  return {};
}

std::string device_facts(const Tongue& say, const enroll::PendingLogin& login) {
  const control::Hostinfo host = login.request.hostinfo.value_or(control::Hostinfo{});
  return "<p class=\"code\" id=\"code\">" + escaped(login.code) + "</p>\n<dl>\n" +
         fact(say("Device", "端末"), host.hostname) + fact(say("System", "システム"), host.os) +
         fact(say("Wants tags", "要求するタグ"), listed(host.request_tags)) +
         fact(say("Offers routes", "提供する経路"), listed(texts_of(host.routable_ips))) +
         fact(
             say("Network", "ネットワーク"),
             login.request.tailnet.substr(login.request.tailnet.find(':') + 1)) +
         (login.request.ephemeral
              ? fact(say("Stays", "期間"), say("until it disconnects", "接続が切れるまで"))
              : "") +
         "</dl>\n";
}

}  // namespace aya::pages
