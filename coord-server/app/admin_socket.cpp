#include "coord-server/app/admin_socket.h"

#include <unistd.h>

#include "coord-server/api/api_error.h"

namespace aya::coord {
namespace {

// Everybody may connect as far as the folder lets them, so that a stranger is told why not.
constexpr mode_t kSocketMode = 0666;

}  // namespace

class AdminSocket::Visitor final : public io::HttpConnection::Owner {
 public:
  Visitor(
      AdminSocket& socket, std::unique_ptr<io::ByteStream> stream,
      std::optional<io::PeerCredentials> peer)
      : socket_(socket), peer_(peer), http_(socket.loop_, std::move(stream), *this) {}

 private:
  void on_request(io::HttpConnection& connection, http::Request request) override {
    if (!is_allowed()) {
      return connection.respond(
          api::ApiError::forbidden("only root and the server's own user may do this")
              .to_response());
    }
    const auto answer = socket_.core_.ask_api(
        request, entrance(),
        [here = std::weak_ptr(here_)](const http::Response& response) {
          if (const auto visitor = here.lock()) (*visitor)->http_.respond(response);
        },
        nullptr);
    if (answer.response) connection.respond(*answer.response);
  }
  std::size_t body_limit(const http::Request& head, std::size_t usual) override {
    return is_allowed() ? socket_.core_.api_body_limit(head, entrance()) : usual;
  }
  void on_closed(io::HttpConnection&) override { socket_.let_go(*this); }

  bool is_allowed() const { return peer_ && (peer_->uid == 0 || peer_->uid == ::geteuid()); }
  api::Entrance entrance() const { return {true, "uid " + std::to_string(peer_->uid)}; }

  AdminSocket& socket_;
  std::optional<io::PeerCredentials> peer_;
  io::HttpConnection http_;
  // An answer that comes late asks whether anybody is left to hear it.
  std::shared_ptr<Visitor*> here_ = std::make_shared<Visitor*>(this);
};

Result<std::unique_ptr<AdminSocket>, io::IoError> AdminSocket::open(
    io::Loop& loop, const std::string& path, CoordinatorLink& core) {
  std::unique_ptr<AdminSocket> socket(new AdminSocket(loop, core));
  auto listener = io::UnixListener::listen(
      loop, path, kSocketMode,
      [raw = socket.get()](
          std::unique_ptr<io::ByteStream> stream, std::optional<io::PeerCredentials> peer) {
        auto visitor = std::make_unique<Visitor>(*raw, std::move(stream), peer);
        Visitor* key = visitor.get();
        raw->visitors_.emplace(key, std::move(visitor));
      });
  if (!listener) return listener.error();
  socket->listener_ = std::move(*listener);
  return socket;
}

AdminSocket::AdminSocket(io::Loop& loop, CoordinatorLink& core) : loop_(loop), core_(core) {}
AdminSocket::~AdminSocket() = default;

void AdminSocket::let_go(Visitor& visitor) { visitors_.erase(&visitor); }

}  // namespace aya::coord
