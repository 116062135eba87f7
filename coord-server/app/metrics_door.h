// The page of metrics, on a port of its own: nobody has to prove anything to read it, so it listens
// where only who may see it can connect. GET /metrics and nothing else. Lives on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "proto/io/http_connection.h"
#include "proto/io/tcp_stream.h"

namespace aya::coord {

class MetricsDoor final : public io::HttpConnection::Owner {
 public:
  static constexpr std::size_t kMostVisitors = 16;

  // `page` is called for every look at it.
  static Result<std::unique_ptr<MetricsDoor>, io::IoError> open(
      io::Loop& loop, const Endpoint& at, std::function<std::string()> page);
  ~MetricsDoor() override;

 private:
  MetricsDoor(io::Loop& loop, std::function<std::string()> page);
  void on_request(io::HttpConnection& connection, http::Request request) override;
  void on_closed(io::HttpConnection& connection) override;

  io::Loop& loop_;
  std::function<std::string()> page_;
  std::map<const io::HttpConnection*, std::unique_ptr<io::HttpConnection>> visitors_;
  std::unique_ptr<io::TcpListener> listener_;
};

}  // namespace aya::coord
