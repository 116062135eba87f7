#include "proto/http/http1_parser.h"

#include <algorithm>
#include <utility>

namespace aya::http {
namespace {

using detail::MessageReader;

// "HTTP/1.x" to x; -1 for a version that is not ours.
int minor_version(std::string_view text) {
  if (text == "HTTP/1.1") return 1;
  if (text == "HTTP/1.0") return 0;
  return -1;
}

bool looks_like_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.';
}

bool is_target(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

bool keeps_alive(const Headers& headers, int minor) {
  if (headers.has_token("Connection", "close")) return false;
  return minor == 1 || headers.has_token("Connection", "keep-alive");
}

// A request to a proxy names the whole URL; a server takes its path (RFC 9112, section 3.2.2).
std::string origin_form(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const auto path = target.find_first_of("/?", scheme.size());
    if (path == std::string_view::npos) return "/";
    return (target[path] == '?' ? "/" : "") + std::string(target.substr(path));
  }
  return std::string(target);
}

}  // namespace

std::string_view to_text(HttpError error) {
  switch (error) {
    case HttpError::BadStartLine:
      return "malformed start line";
    case HttpError::BadVersion:
      return "unsupported HTTP version";
    case HttpError::BadHeader:
      return "malformed header field";
    case HttpError::BadLength:
      return "malformed or contradictory length";
    case HttpError::BadChunk:
      return "malformed chunk";
    case HttpError::UnknownEncoding:
      return "unsupported transfer encoding";
    case HttpError::HeadTooLarge:
      return "header too large";
    case HttpError::BodyTooLarge:
      return "body too large";
    case HttpError::Truncated:
      return "connection ended inside a message";
  }
  return "unknown error";
}

int to_status(HttpError error) {
  switch (error) {
    case HttpError::BadVersion:
      return 505;
    case HttpError::UnknownEncoding:
      return 501;
    case HttpError::HeadTooLarge:
      return 431;
    case HttpError::BodyTooLarge:
      return 413;
    default:
      return 400;
  }
}

Result<std::size_t, HttpError> RequestParser::feed(Bytes input) {
  const std::size_t given = input.size();
  if (!reader_.head_done()) {
    auto whole = reader_.feed_head(input);
    if (!whole) return whole.error();
    if (!*whole) return given;
    if (auto head = on_head(); !head) return head.error();
  }
  if (auto body = reader_.feed_body(input); !body) return body.error();
  return given - input.size();
}

Result<void, HttpError> RequestParser::on_head() {
  const std::string_view line = reader_.head().start_line;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HttpError::BadStartLine;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_method(method) || !is_target(target) || !looks_like_version(version)) {
    return HttpError::BadStartLine;
  }
  const int minor = minor_version(version);
  if (minor < 0) return HttpError::BadVersion;

  const Headers& headers = reader_.head().headers;
  const std::size_t hosts = headers.count("Host");
  if (hosts > 1 || (hosts == 0 && minor == 1)) return HttpError::BadHeader;
  // Chunks did not exist in 1.0: a proxy in front would not have understood them.
  if (minor == 0 && headers.has("Transfer-Encoding")) return HttpError::BadLength;
  if (auto framed = reader_.choose_framing(true, MessageReader::Framing::None); !framed) {
    return framed;
  }
  request_.method = method;
  request_.target = origin_form(target);
  request_.keep_alive = keeps_alive(headers, minor);
  request_.headers = headers;
  const std::size_t longest = body_limit_ ? body_limit_(request_) : limits_.body;
  reader_.set_body_limit(longest);
  if (reader_.framing() == MessageReader::Framing::Length && reader_.announced_length() > longest) {
    return HttpError::BodyTooLarge;
  }
  return {};
}

Request RequestParser::take() {
  request_.body = reader_.take_body();
  reader_.reset();
  return std::exchange(request_, {});
}

Result<std::size_t, HttpError> ResponseParser::feed(Bytes input) {
  const std::size_t given = input.size();
  while (!reader_.head_done()) {
    auto whole = reader_.feed_head(input);
    if (!whole) return whole.error();
    if (!*whole) return given;
    if (auto head = on_head(); !head) return head.error();
    const bool interim = response_.status < 200 && response_.status != 101;
    if (interim) reader_.reset();
  }
  if (auto body = reader_.feed_body(input); !body) return body.error();
  return given - input.size();
}

Result<void, HttpError> ResponseParser::on_head() {
  const std::string_view line = reader_.head().start_line;  // HTTP/1.1 200 OK
  if (line.size() < 12 || !looks_like_version(line.substr(0, 8)) || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' ')) {
    return HttpError::BadStartLine;
  }
  const int minor = minor_version(line.substr(0, 8));
  if (minor < 0) return HttpError::BadVersion;
  int status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return HttpError::BadStartLine;
    status = status * 10 + (c - '0');
  }
  if (status < 100) return HttpError::BadStartLine;

  const Headers& headers = reader_.head().headers;
  const bool may_have_body = status_has_body(status) && !to_head_;
  if (auto framed = reader_.choose_framing(may_have_body, MessageReader::Framing::ToEnd); !framed) {
    return framed;
  }
  response_.status = status;
  response_.headers = headers;
  response_.keep_alive =
      keeps_alive(headers, minor) && reader_.framing() != MessageReader::Framing::ToEnd;
  return {};
}

Result<void, HttpError> ResponseParser::end_of_input() { return reader_.end_of_input(); }

Response ResponseParser::take() {
  response_.body = reader_.take_body();
  reader_.reset();
  return std::exchange(response_, {});
}

}  // namespace aya::http
