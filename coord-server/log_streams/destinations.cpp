#include "coord-server/log_streams/destinations.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "proto/http/target.h"

namespace aya::log_streams {
namespace {

constexpr std::size_t kLongestField = 4096;
constexpr int kLongestPeriod = 24 * 60;

enum class Token { Needed, Optional };
struct Receiver {
  std::string_view type;
  Token token;
};
// Those that are told by HTTP with a token.
constexpr std::array kReceivers = {
    Receiver{"splunk", Token::Needed},   Receiver{"elastic", Token::Needed},
    Receiver{"panther", Token::Optional}, Receiver{"cribl", Token::Optional},
    Receiver{"datadog", Token::Needed},  Receiver{"axiom", Token::Needed}};

// A field may become a header or a path: what would end a line there is nobody's name.
bool is_clean(const std::string& text) {
  return text.size() <= kLongestField && std::ranges::none_of(text, [](unsigned char ch) {
           return ch < 0x20 || ch == 0x7f;
         });
}

bool is_word(const std::string& text, std::string_view more) {
  return !text.empty() && std::ranges::all_of(text, [&](char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
           more.find(ch) != std::string_view::npos;
  });
}

std::string fault_in_url(const std::string& url) {
  return http::Url::parse(url) ? "" : "url: want an https or http URL";
}

std::string fault_in_s3(const LogDestination& to) {
  if (!to.url.empty()) {
    if (auto fault = fault_in_url(to.url); !fault.empty()) return fault;
  }
  if (!is_word(to.s3_bucket, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_")) {
    return "s3Bucket: want a bucket's name";
  }
  if (!is_word(to.s3_region, "-")) return "s3Region: want a region's name";
  if (to.s3_authentication == "accesskey") {
    if (to.s3_access_key.empty()) return "s3AccessKeyId: required";
    return to.s3_secret_key.empty() ? "s3SecretAccessKey: required" : "";
  }
  if (to.s3_authentication == "rolearn") return to.s3_role.empty() ? "s3RoleArn: required" : "";
  return "s3AuthenticationType: want accesskey or rolearn";
}

// The credentials are shown to whoever may read the stream, so they must not be a key: with a
// workload identity they only say who is trusted.
std::string fault_in_gcs(const LogDestination& to) {
  if (to.gcs_bucket.empty()) return "gcsBucket: required";
  const auto credentials = nlohmann::json::parse(to.gcs_credentials, nullptr, false);
  if (!credentials.is_object()) return "gcsCredentials: want a JSON object";
  if (credentials.contains("private_key")) {
    return "gcsCredentials: want a workload identity; a private key would be shown to readers";
  }
  return {};
}

std::string fault_in_receiver(const LogDestination& to) {
  const auto receiver = std::ranges::find(kReceivers, to.type, &Receiver::type);
  if (receiver == kReceivers.end()) {
    return "destinationType: want splunk, elastic, panther, cribl, datadog, axiom, s3 or gcs";
  }
  if (auto fault = fault_in_url(to.url); !fault.empty()) return fault;
  return to.token.empty() && receiver->token == Token::Needed ? "token: required" : "";
}

}  // namespace

bool is_log(std::string_view name) { return name == kConfiguration || name == kNetwork; }

std::string fault_in(const LogDestination& to) {
  struct Field {
    const char* name;
    const std::string& value;
  };
  for (const Field& field :
       {Field{"url", to.url}, Field{"user", to.user}, Field{"token", to.token},
        Field{"s3KeyPrefix", to.s3_key_prefix}, Field{"s3AccessKeyId", to.s3_access_key},
        Field{"s3SecretAccessKey", to.s3_secret_key}, Field{"s3RoleArn", to.s3_role},
        Field{"s3ExternalId", to.s3_external_id}, Field{"gcsBucket", to.gcs_bucket},
        Field{"gcsKeyPrefix", to.gcs_key_prefix}}) {
    if (!is_clean(field.value)) return std::string(field.name) + ": too long, or not one line";
  }
  for (const std::string& scope : to.gcs_scopes) {
    if (!is_clean(scope) || scope.empty() || scope.find(' ') != std::string::npos) {
      return "gcsScopes: want scopes without blanks";
    }
  }
  if (to.upload_minutes < 0 || to.upload_minutes > kLongestPeriod) {
    return "uploadPeriodMinutes: want 1 to 1440";
  }
  constexpr std::array<std::string_view, 4> kForms = {"", "none", "gzip", "zstd"};
  if (std::ranges::find(kForms, to.compression) == kForms.end()) {
    return "compressionFormat: want none, gzip or zstd";
  }
  if (to.type == "s3") return fault_in_s3(to);
  if (to.type == "gcs") return fault_in_gcs(to);
  return fault_in_receiver(to);
}

std::string undeliverable(const LogDestination& to) {
  if (to.type == "gcs") return "this server cannot sign for gcs; use s3 with an access key there";
  if (to.type == "s3" && to.s3_authentication == "rolearn") {
    return "this server cannot take a role of AWS; use s3AuthenticationType accesskey";
  }
  return {};
}

std::size_t longest_event(const LogDestination& to) {
  constexpr std::size_t kOfReceivers = std::size_t{900} << 10;
  return to.type == "s3" ? std::numeric_limits<std::size_t>::max() : kOfReceivers;
}

// Objects are few and long rather than many; receivers of events want them as they happen.
std::chrono::minutes upload_period(const LogDestination& to) {
  if (to.upload_minutes > 0) return std::chrono::minutes(to.upload_minutes);
  return std::chrono::minutes(to.type == "s3" ? 1 : 0);
}

}  // namespace aya::log_streams
