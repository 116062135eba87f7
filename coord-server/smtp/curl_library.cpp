#include "coord-server/smtp/curl_library.h"

#include <dlfcn.h>

#include <array>

namespace aya::smtp {
namespace {

// Debian's flavour with OpenSSL, which is everybody else's only one, and its flavour with GnuTLS.
constexpr std::array kNames = {"libcurl.so.4", "libcurl-gnutls.so.4"};

template <class Function>
bool find(void* library, const char* name, Function& out) {
  out = reinterpret_cast<Function>(::dlsym(library, name));
  return out != nullptr;
}

}  // namespace

bool CurlLibrary::find_all(void* library) {
  return find(library, "curl_easy_init", easy_init) &&
         find(library, "curl_easy_setopt", easy_setopt) &&
         find(library, "curl_easy_perform", easy_perform) &&
         find(library, "curl_easy_getinfo", easy_getinfo) &&
         find(library, "curl_easy_cleanup", easy_cleanup) &&
         find(library, "curl_easy_strerror", easy_strerror) &&
         find(library, "curl_slist_append", slist_append) &&
         find(library, "curl_slist_free_all", slist_free_all);
}

Result<CurlLibrary, std::string> CurlLibrary::load() {
  for (const char* name : kNames) {
    // Never closed again: libraries that it loads leave things behind for the end of the program.
    void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) continue;
    CurlLibrary out;
    decltype(&curl_global_init) global_init = nullptr;
    const bool whole = find(library, "curl_global_init", global_init) && out.find_all(library);
    if (whole && global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return out;
  }
  return std::string(
      "libcurl is missing, without which no mail can be sent; install libcurl4 "
      "(elsewhere it is called libcurl)");
}

}  // namespace aya::smtp
