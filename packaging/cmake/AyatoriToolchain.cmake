# Compiler settings every target shares: language level, warnings, sanitizers, a fast linker, ccache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(AYA_CCACHE ccache)
if(AYA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${AYA_CCACHE})
endif()

find_program(AYA_MOLD mold)
if(AYA_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
if(AYA_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_compile_options(-Wthread-safety)
else()
  # What GCC 12 reports falsely about its own library once it inlines, and about code that its
  # sanitizers inserted. clang compiles the same sources for the tests and has no such trouble.
  add_compile_options(
    -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-maybe-uninitialized)
  # In a unity build a class hidden in its .cpp stands in an "included" file, about which GCC warns.
  add_compile_options($<$<BOOL:${CMAKE_UNITY_BUILD}>:-Wno-subobject-linkage>)
endif()

# A program loads only the libraries it calls.
add_link_options(-Wl,--as-needed)

# One spelling of every path, so that ccache serves all build folders alike.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

if(AYA_SANITIZE)
  add_compile_options(-fsanitize=${AYA_SANITIZE} -fno-omit-frame-pointer -g1 -O1)
  add_link_options(-fsanitize=${AYA_SANITIZE})
  if(AYA_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()
if(AYA_FUZZ)
  # Every object can be fuzzed, so that tests, programs and fuzz targets share them.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # The hot loops are the libraries'; ours gain nothing from -O3 but size. With the C++ library
  # linked in, only the part that is used stays in memory.
  string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections -static-libstdc++ -static-libgcc)
endif()
