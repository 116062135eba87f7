// Forms of an answer: whether the caller has it already (ETag, If-None-Match), and how it travels
// (gzip, zstd). Pure.
#pragma once

#include "proto/http/message.h"

namespace aya::api {

// "\"…\"" over what the answer says.
std::string etag_of(std::string_view body);
// Is `etag` among those of an If-Match or If-None-Match field, or is that "*"?
bool names_etag(std::string_view field, std::string_view etag);

// Gives a good answer to a GET its ETag; one the caller has already becomes an empty 304.
void answer_conditionally(const http::Request& request, http::Response& response);

// Shrinks a long body by what the caller takes.
void compress(const http::Request& request, http::Response& response);

}  // namespace aya::api
