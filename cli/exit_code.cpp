#include "cli/exit_code.h"

namespace aya::cli {

int to_status(Exit code, bool strict) {
  if (code == Exit::Ok || code == Exit::Usage) return static_cast<int>(code);
  if (strict) return static_cast<int>(Exit::Failed);
  return static_cast<int>(code == Exit::BadArgument ? Exit::Usage : code);
}

}  // namespace aya::cli
