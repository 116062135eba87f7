// libcurl, loaded when the first mail is sent: most servers send none, and it brings megabytes of
// other libraries with it. Its types come from its own header, its functions from whichever of its
// flavours the system has. Any thread, one at a time.
#pragma once

#include <curl/curl.h>

#include <string>

#include "proto/base/result.h"

namespace aya::smtp {

class CurlLibrary {
 public:
  // The error says what to install.
  static Result<CurlLibrary, std::string> load();

  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;

 private:
  CurlLibrary() = default;
  bool find_all(void* library);
};

}  // namespace aya::smtp
