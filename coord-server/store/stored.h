// How calls of the store end.
#pragma once

#include <string>

#include "coord-server/store/records.h"
#include "proto/base/result.h"

namespace aya::store {

struct StoreError {
  enum class Kind {
    Taken,     // a unique value belongs to another row; `detail` names the column
    NotFound,  // the row to change is not there (any more)
    Spent,     // the one-off auth key was used, revoked or deleted in the meantime
    DiskFull,  // nothing was written
    Denied,    // the file or its folder may not be read or written by this user
    Damaged,   // not a database, or one that a newer version wrote
    Failed,    // anything else; `detail` says what
  };
  Kind kind = Kind::Failed;
  std::string detail;

  // One line for people, saying what to do where something can be done.
  std::string to_text() const;
};

template <class T>
using Stored = Result<T, StoreError>;

}  // namespace aya::store
