#include "proto/http/http1_writer.h"

#include <array>
#include <charconv>

namespace aya::http {
namespace {

void put(std::string_view text, Buffer& out) { append(out, as_bytes(text)); }

// Keeps whatever cannot end a field: a value from elsewhere must not start a new line.
void put_clean(std::string_view text, Buffer& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\t') || byte == 0x7f;
    out.push_back(static_cast<std::byte>(control ? ' ' : byte));
  }
}

void put_field(std::string_view name, std::string_view value, Buffer& out) {
  put_clean(name, out);
  put(": ", out);
  put_clean(value, out);
  put("\r\n", out);
}

void put_fields(const Headers& headers, Buffer& out) {
  for (const auto& [name, value] : headers) put_field(name, value, out);
}

void put_status_line(int status, Buffer& out) {
  put("HTTP/1.1 ", out);
  put(std::to_string(status), out);
  put(" ", out);
  put(reason_phrase(status), out);
  put("\r\n", out);
}

bool usually_has_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

void write_request(const Request& request, Buffer& out) {
  put_clean(request.method, out);
  put(" ", out);
  put_clean(request.target, out);
  put(" HTTP/1.1\r\n", out);
  put_fields(request.headers, out);
  const bool wants_length = !request.body.empty() || usually_has_body(request.method);
  if (wants_length && !request.headers.has("Content-Length")) {
    put_field("Content-Length", std::to_string(request.body.size()), out);
  }
  if (!request.keep_alive && !request.headers.has("Connection")) {
    put_field("Connection", "close", out);
  }
  put("\r\n", out);
  append(out, request.body);
}

void write_response(const Response& response, Buffer& out, bool without_body) {
  put_status_line(response.status, out);
  put_fields(response.headers, out);
  const bool has_body = status_has_body(response.status);
  if (has_body && !response.headers.has("Content-Length")) {
    put_field("Content-Length", std::to_string(response.body.size()), out);
  }
  if (!response.keep_alive && !response.headers.has("Connection")) {
    put_field("Connection", "close", out);
  }
  put("\r\n", out);
  if (has_body && !without_body) append(out, response.body);
}

void write_stream_head(int status, const Headers& headers, Buffer& out) {
  put_status_line(status, out);
  put_fields(headers, out);
  put_field("Transfer-Encoding", "chunked", out);
  put("\r\n", out);
}

void write_chunk(Bytes data, Buffer& out) {
  if (data.empty()) return;
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), data.size(), 16).ptr;
  put({digits.data(), end}, out);
  put("\r\n", out);
  append(out, data);
  put("\r\n", out);
}

void write_last_chunk(Buffer& out) { put("0\r\n\r\n", out); }

}  // namespace aya::http
