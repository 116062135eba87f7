#include "coord-server/api/repeated_requests.h"

#include "proto/crypto/sha256.h"

namespace aya::api {
namespace {

std::array<std::byte, 32> digest_of(const http::Request& request) {
  Buffer text;
  append(text, as_bytes(request.method + ' ' + request.target + '\n'));
  append(text, request.body);
  return crypto::sha256(text);
}

}  // namespace

std::string RepeatedRequests::name_of(const http::Request& request, const std::string& caller) {
  const std::string_view key = request.headers.get("Idempotency-Key");
  if (request.method != "POST" || key.empty() || key.size() > 255) return {};
  return caller + '\n' + std::string(key);
}

Answer<const http::Response*> RepeatedRequests::find(
    const std::string& name, const http::Request& request, WallTime now) {
  const auto found = kept_.find(name);
  if (found == kept_.end() || found->second.until <= now) return nullptr;
  if (found->second.request == digest_of(request)) return &found->second.answer;
  return ApiError::conflict("Idempotency-Key: used for another request before");
}

void RepeatedRequests::remember(
    const std::string& name, const http::Request& request, const http::Response& answer,
    WallTime now) {
  if (!kept_.contains(name)) order_.push_back(name);
  kept_.insert_or_assign(name, Kept{digest_of(request), answer, now + kKeptFor});
  while (order_.size() > kMost) {
    kept_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace aya::api
