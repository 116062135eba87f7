// HTTP/1.1 messages to bytes, appended to `out`. Control characters in field values are replaced by
// spaces, so no value can forge another field.
#pragma once

#include "proto/http/message.h"

namespace aya::http {

// Content-Length is added when the body is not empty or the method usually carries one.
void write_request(const Request& request, Buffer& out);

// Content-Length is added unless the fields hold one or the status has no body. With
// `without_body` (the answer to HEAD) the length is told and the bytes are left out.
void write_response(const Response& response, Buffer& out, bool without_body = false);

// For a body that is not known yet: the head with "Transfer-Encoding: chunked", then chunks.
void write_stream_head(int status, const Headers& headers, Buffer& out);
void write_chunk(Bytes data, Buffer& out);  // nothing for empty data, which would end the stream
void write_last_chunk(Buffer& out);

}  // namespace aya::http
