// The REST API of a server under load, over its administrator's socket, without stopping the loop
// on which everything else runs. One call at a time.
#pragma once

#include <nlohmann/json.hpp>

#include "proto/io/http_client.h"

namespace aya::load {

class RestCaller {
 public:
  // status 0: nothing answered.
  using Done = std::function<void(int status, const nlohmann::json& body)>;

  RestCaller(io::Loop& loop, std::string socket) : loop_(loop), socket_(std::move(socket)) {}

  // `target` below /api/v2. `done` may make the next call.
  void call(
      const std::string& method, const std::string& target, const nlohmann::json& body, Done done);
  // The same, waiting: for what comes before the load. null: it failed, and why was printed.
  nlohmann::json now(
      const std::string& method, const std::string& target, const nlohmann::json& body = nullptr);

 private:
  io::Loop& loop_;
  std::string socket_;
  std::unique_ptr<io::HttpClient> client_;
};

}  // namespace aya::load
