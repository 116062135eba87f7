// One HTTP/1.1 request and its answer, over TCP, TLS or a unix socket, on our own parser and
// streams rather than libcurl: pins work as everywhere else, sockets carry the bypass mark, and a
// daemon that fetches one key at start does not keep ten megabytes of libraries loaded. Redirects
// are answers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proto/http/http1_parser.h"
#include "proto/io/dial.h"

namespace aya::io {

struct HttpFetch {
  // http://, https:// or, together with unix_socket, any host name: it becomes the Host field.
  std::string url;
  std::string method = "GET";
  http::Headers headers;  // Host, Connection and Content-Length are filled in
  Buffer body;
  std::string unix_socket;               // a path: connect there instead
  tls::TlsClientContext* tls = nullptr;  // needed for https
  bool public_only = false;              // as in DialTarget
  SocketOptions socket;
  // For the whole answer; with on_body only for its head, because streams do not end.
  Duration timeout = 30s;
  std::size_t body_limit = 16 * 1024 * 1024;
  // When set the body is handed out in pieces as it comes, and Response::body stays empty.
  std::function<void(const http::Response& head, Bytes piece)> on_body;
};

// Destroying the object cancels.
class HttpClient {
 public:
  using Done = std::function<void(Result<http::Response, IoError>)>;

  HttpClient(Loop& loop, HttpFetch fetch, Done done);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with a callback in progress, which may destroy the client
};

}  // namespace aya::io
