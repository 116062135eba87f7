# Third parties, found once. A room names the imported target it needs under LIBS.

if(AYA_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
  set(OPENSSL_USE_STATIC_LIBS ON)
  set(libuv_module libuv-static)  # its archive has a name of its own
else()
  set(libuv_module libuv)
endif()

find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(libuv REQUIRED IMPORTED_TARGET ${libuv_module})
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(miniupnpc REQUIRED IMPORTED_TARGET miniupnpc)
pkg_check_modules(idn2 REQUIRED IMPORTED_TARGET libidn2)
if(AYA_STATIC)
  find_library(unistring unistring REQUIRED)  # which the archive of libidn2 needs, but does not name
  target_link_libraries(PkgConfig::idn2 INTERFACE ${unistring})
endif()
pkg_check_modules(qrcodegen REQUIRED IMPORTED_TARGET qrcodegencpp)
pkg_check_modules(libcurl REQUIRED libcurl)  # its header; see coord-server/smtp
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
find_package(OpenSSL REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Threads REQUIRED)
if(AYA_TESTS)
  find_package(GTest REQUIRED)
endif()
