// proto/http turns bytes into HTTP messages and back: HTTP/1.1 (http1_parser.h, http1_writer.h),
// protocol upgrades (upgrade.h), paths (target.h), and HTTP/2 sessions (h2_session.h). Pure: no
// socket, clock or callback; whoever owns the connection pumps bytes. Any one thread per object.
//
// This header holds what both versions share: a request and a response as plain values.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/http/headers.h"

namespace aya::http {

struct Request {
  std::string method = "GET";
  std::string target = "/";  // as received: raw, not decoded; see target.h
  Headers headers;
  Buffer body;
  bool keep_alive = true;  // HTTP/1.1 without "Connection: close"; always true on HTTP/2

  std::string_view path() const;   // the target up to '?', still percent-encoded
  std::string_view query() const;  // behind the '?', empty if there is none
};

struct Response {
  int status = 200;
  Headers headers;
  Buffer body;
  bool keep_alive = true;

  bool ok() const { return status >= 200 && status < 300; }
  static Response text(int status, std::string_view body);  // text/plain; charset=utf-8
  static Response json(int status, std::string_view body);  // application/json
};

// "Not Found"; "Status" for numbers without a name.
std::string_view reason_phrase(int status);

// 1xx, 204 and 304 never have a body.
bool status_has_body(int status);

}  // namespace aya::http
