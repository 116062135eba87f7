#include "proto/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace aya {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "bug: %s:%d: this must hold: %s\n", file, line, condition);
  std::abort();
}

}  // namespace aya
