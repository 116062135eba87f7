#include "coord-server/log_streams/aws_signature.h"

#include <algorithm>
#include <map>
#include <vector>

#include "proto/base/hex.h"
#include "proto/crypto/hmac.h"
#include "proto/crypto/sha256.h"

namespace aya::log_streams {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::size_t kDayLength = 8;  // of "20130524T000000Z"

// Parameters in the order of their names, then values; one without a value gets its "=".
std::string canonical_query(std::string_view query) {
  std::vector<std::string> fields;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    std::string field(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
    if (field.find('=') == std::string::npos) field += '=';
    fields.push_back(std::move(field));
  }
  std::ranges::sort(fields);
  std::string out;
  for (const std::string& field : fields) out += (out.empty() ? "" : "&") + field;
  return out;
}

// Without blanks around it, and runs of them as one.
std::string trimmed(std::string_view value) {
  std::string out;
  for (const char ch : value) {
    const bool blank = ch == ' ' || ch == '\t';
    if (!blank) {
      out += ch;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::map<std::string, std::string> canonical_headers(const http::Headers& headers) {
  std::map<std::string, std::string> out;
  for (const http::Headers::Field& field : headers) {
    std::string name = field.name;
    std::ranges::transform(name, name.begin(), [](unsigned char ch) {
      return static_cast<char>(std::tolower(ch));
    });
    std::string& value = out[name];
    value += (value.empty() ? "" : ",") + trimmed(field.value);
  }
  return out;
}

std::array<std::byte, 32> mac(Bytes key, std::string_view text) {
  return crypto::hmac_sha256(key, as_bytes(text));
}

}  // namespace

std::string aws_hash(Bytes body) { return to_hex(crypto::sha256(body)); }

std::string aws_date(WallTime now) {
  const std::string text = to_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
  std::string out;
  const auto is_meant = [](char ch) { return ch != '-' && ch != ':'; };
  std::ranges::copy_if(text, std::back_inserter(out), is_meant);
  return out;
}

std::string aws_authorization(
    const AwsRequest& request, const AwsKey& key, std::string_view region,
    std::string_view service) {
  const std::string_view target = request.target;
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string_view query = target.substr(std::min(mark + 1, target.size()));
  std::string names, fields;
  for (const auto& [name, value] : canonical_headers(request.headers)) {
    names += (names.empty() ? "" : ";") + name;
    fields += name + ':' + value + '\n';
  }
  const std::string canonical = request.method + '\n' + std::string(target.substr(0, mark)) + '\n' +
                                canonical_query(query) + '\n' + fields + '\n' + names + '\n' +
                                request.body_hash;

  const std::string date(request.headers.get("X-Amz-Date"));
  const std::string day = date.substr(0, kDayLength);
  const std::string scope = day + '/' + std::string(region) + '/' + std::string(service) + '/' +
                            std::string(kTerminator);
  const std::string to_sign =
      std::string(kAlgorithm) + '\n' + date + '\n' + scope + '\n' + aws_hash(as_bytes(canonical));

  auto signing = mac(as_bytes("AWS4" + key.secret), day);
  signing = mac(signing, region);
  signing = mac(signing, service);
  signing = mac(signing, kTerminator);
  return std::string(kAlgorithm) + " Credential=" + key.id + '/' + scope +
         ", SignedHeaders=" + names + ", Signature=" + to_hex(mac(signing, to_sign));
}

}  // namespace aya::log_streams
