#include "coord-server/app/metrics_door.h"

namespace aya::coord {

Result<std::unique_ptr<MetricsDoor>, io::IoError> MetricsDoor::open(
    io::Loop& loop, const Endpoint& at, std::function<std::string()> page) {
  std::unique_ptr<MetricsDoor> door(new MetricsDoor(loop, std::move(page)));
  auto listener = io::TcpListener::listen(loop, at, [raw = door.get()](io::Connected connected) {
    if (raw->visitors_.size() >= kMostVisitors) return;  // closes it
    auto visitor =
        std::make_unique<io::HttpConnection>(raw->loop_, std::move(connected.stream), *raw);
    const io::HttpConnection* key = visitor.get();
    raw->visitors_.emplace(key, std::move(visitor));
  });
  if (!listener) return listener.error();
  door->listener_ = std::move(*listener);
  return door;
}

MetricsDoor::MetricsDoor(io::Loop& loop, std::function<std::string()> page)
    : loop_(loop), page_(std::move(page)) {}
MetricsDoor::~MetricsDoor() = default;

void MetricsDoor::on_request(io::HttpConnection& connection, http::Request request) {
  if (request.path() != "/metrics") {
    return connection.respond(http::Response::text(404, "this port has /metrics alone\n"));
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return connection.respond(http::Response::text(405, "use GET\n"));
  }
  http::Response page = http::Response::text(200, page_());
  page.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  connection.respond(page);
}

void MetricsDoor::on_closed(io::HttpConnection& connection) { visitors_.erase(&connection); }

}  // namespace aya::coord
