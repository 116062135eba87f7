#include "coord-server/log_streams/s3_object.h"

#include <algorithm>

#include "coord-server/log_streams/aws_signature.h"
#include "proto/http/target.h"

namespace aya::log_streams {
namespace {

// What a place for objects is to find: by the first line, so that what is sent again after a crash
// takes the place of what was there.
std::string object_name(
    const LogDestination& to, std::string_view log, const std::string& tailnet,
    const LogLine& first, const std::string& coding) {
  constexpr std::size_t kDigits = 12;
  const std::string time = to_rfc3339(first.time);
  std::string number = std::to_string(first.number);
  number.insert(0, kDigits - std::min(kDigits, number.size()), '0');
  const std::string end = coding == "gzip" ? ".gz" : coding == "zstd" ? ".zst" : "";
  return to.s3_key_prefix + time.substr(0, 4) + '/' + time.substr(5, 2) + '/' + time.substr(8, 2) +
         '/' + std::string(log) + '-' + tailnet + '-' + number + ".json" + end;
}

std::string encoded_path(const std::string& path) {
  std::string out;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    out += (at > 0 ? "/" : "") + http::percent_encode(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Amazon's own endpoint has the bucket in the host's name, where that can be one; others have it in
// the path.
std::string object_url(const LogDestination& to, const std::string& name) {
  const std::string in_path = '/' + to.s3_bucket + '/' + encoded_path(name);
  if (!to.url.empty()) {
    const http::Url url = *http::Url::parse(to.url);
    std::string before = url.target.substr(0, url.target.find('?'));
    while (before.ends_with('/')) before.pop_back();
    return (url.tls ? "https://" : "http://") + url.authority() + before + in_path;
  }
  const std::string host = "s3." + to.s3_region + ".amazonaws.com" +
                           (to.s3_region.starts_with("cn-") ? ".cn" : "");
  const bool is_label = to.s3_bucket.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
                        std::string::npos;
  if (!is_label) return "https://" + host + in_path;
  return "https://" + to.s3_bucket + '.' + host + '/' + encoded_path(name);
}

}  // namespace

void become_object(
    const LogDestination& to, std::string_view log, const std::string& tailnet,
    const LogLine& first, const std::string& coding, WallTime now, delivery::Message& message) {
  message.method = "PUT";
  message.url = object_url(to, object_name(to, log, tailnet, first, coding));
  message.headers.set(
      "Content-Type", coding.empty() ? "application/x-ndjson" : "application/" + coding);
  message.headers.set("X-Amz-Content-Sha256", aws_hash(message.body));
  message.headers.set("X-Amz-Date", aws_date(now));
  const http::Url url = *http::Url::parse(message.url);
  AwsRequest request{"PUT", url.target, message.headers, aws_hash(message.body)};
  request.headers.set("Host", url.authority());
  message.headers.set(
      "Authorization",
      aws_authorization(request, {to.s3_access_key, to.s3_secret_key}, to.s3_region, "s3"));
}

}  // namespace aya::log_streams
