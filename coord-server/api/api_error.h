// Refusals of the REST API: a status and a sentence, always sent as JSON (interfaces 1.1).
#pragma once

#include <string>

#include "coord-server/store/store.h"
#include "proto/http/message.h"

namespace aya::api {

struct ApiError {
  int status = 500;
  std::string message;
  std::chrono::seconds retry_after{0};  // when to come again, where that is known
  std::string data = {};                // JSON list with more about it, or empty

  static ApiError bad_request(std::string message) { return {400, std::move(message)}; }
  static ApiError unauthorized() { return {401, "API token invalid"}; }
  static ApiError forbidden(std::string message) { return {403, std::move(message)}; }
  static ApiError not_found(const std::string& kind) { return {404, kind + " not found"}; }
  static ApiError conflict(std::string message) { return {409, std::move(message)}; }
  // A full disk and the like: the caller may try again, a person has to act.
  static ApiError of(const store::StoreError& error);

  http::Response to_response() const;
};

// For what somebody sent, in a message.
inline std::string in_quotes(const std::string& text) { return '"' + text + '"'; }

template <class T>
using Answer = Result<T, ApiError>;

}  // namespace aya::api
