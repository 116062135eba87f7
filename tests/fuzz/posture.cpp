// What a provider may answer: a byte that says which provider, then its answers, a line each, whose
// first character is the status. Whatever it is, questions go where the administrator said, what is
// kept is bounded, and nothing that is said to people holds a secret.
#include <array>

#include <nlohmann/json.hpp>

#include "coord-server/posture_providers/conversation.h"
#include "proto/base/check.h"
#include "proto/http/target.h"

namespace {

using namespace aya;
using namespace aya::posture_providers;

constexpr const char* kSecret = "s3cret-of-somebody";

struct Asked {
  const char* provider;
  PostureAccess access;
  std::vector<std::string> hosts;
};
const std::array kAsked = {
    Asked{"falcon", {"us-1", "c", "", kSecret}, {"api.crowdstrike.com"}},
    Asked{"fleet", {"fleet.example", "", "", kSecret}, {"fleet.example"}},
    Asked{"huntress", {"", "c", "42", kSecret}, {"api.huntress.io"}},
    Asked{"intune", {"global", "c", "t", kSecret},
          {"login.microsoftonline.com", "graph.microsoft.com"}},
    Asked{"jamfpro", {"jamf.example", "c", "", kSecret}, {"jamf.example"}},
    Asked{"kandji", {"kandji.example", "", "", kSecret}, {"kandji.example"}},
    Asked{"kolide", {"", "", "", kSecret}, {"api.kolide.com"}},
    Asked{"sentinelone", {"s1.example", "", "", kSecret}, {"s1.example"}}};

void check_question(const Asked& asked, const delivery::Message& question) {
  const auto url = http::Url::parse(question.url);
  AYA_CHECK(url && url->tls && url->port == 443);
  AYA_CHECK(std::ranges::count(asked.hosts, url->host) == 1);
  AYA_CHECK(question.url.find(kSecret) == std::string::npos);
  for (const auto& field : question.headers) {
    AYA_CHECK(field.value.find_first_of("\r\n") == std::string::npos);
  }
}

void check_report(const Asked& asked, const Report& report) {
  AYA_CHECK(report.by_serial.size() <= report.hosts);
  for (const auto& [serial, attributes] : report.by_serial) {
    AYA_CHECK(!serial.empty() && plain_serial(serial) == serial);
    for (const auto& [name, value] : attributes) {
      AYA_CHECK(speaks_of(asked.provider, name));
      const auto json = nlohmann::json::parse(value, nullptr, false);
      AYA_CHECK(json.is_string() || json.is_number() || json.is_boolean());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Asked& asked = kAsked[data[0] % kAsked.size()];
  std::string_view answers(reinterpret_cast<const char*>(data) + 1, size - 1);
  Conversation conversation(asked.provider, asked.access);
  while (!answers.empty()) {
    check_question(asked, conversation.question());
    const std::string_view line = answers.substr(0, answers.find('\n'));
    answers.remove_prefix(std::min(line.size() + 1, answers.size()));
    constexpr std::array kStatus = {200, 201, 302, 401, 403, 404, 429, 500};
    const int status = line.empty() ? 200 : kStatus[static_cast<unsigned char>(line[0]) % 8];
    const std::string body(line.substr(std::min<std::size_t>(line.size(), 1)));
    auto progress = conversation.take(delivery::Answered{status, body});
    if (!progress) {
      AYA_CHECK(!progress.error().empty());
      AYA_CHECK(progress.error().find(kSecret) == std::string::npos);
      return 0;
    }
    if (*progress == Conversation::Progress::Over) {
      check_report(asked, std::move(conversation).report());
      return 0;
    }
  }
  return 0;
}
