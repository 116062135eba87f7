#include "proto/io/io_error.h"

#include <uv.h>

namespace aya::io {
namespace {

IoError::Kind kind_of(int status) {
  switch (status) {
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
    case UV_ENOENT:
      return IoError::Kind::NotFound;
    case UV_ECONNREFUSED:
      return IoError::Kind::Refused;
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
    case UV_ENETDOWN:
    case UV_EADDRNOTAVAIL:
    case UV_EAI_AGAIN:  // no name server answers
      return IoError::Kind::Unreachable;
    case UV_ETIMEDOUT:
      return IoError::Kind::TimedOut;
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
      return IoError::Kind::Reset;
    case UV_EOF:
      return IoError::Kind::Ended;
    case UV_EADDRINUSE:
      return IoError::Kind::AddressInUse;
    case UV_EACCES:
    case UV_EPERM:
      return IoError::Kind::Permission;
    default:
      return IoError::Kind::Other;
  }
}

}  // namespace

IoError IoError::from_uv(int status, const std::string& doing) {
  return {kind_of(status), doing + ": " + uv_strerror(status)};
}

IoError IoError::from_errno(int error, const std::string& doing) {
  return from_uv(uv_translate_sys_error(error), doing);
}

}  // namespace aya::io
