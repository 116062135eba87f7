// Host name to addresses by the system's resolver, on libuv's worker threads. Destroying the object
// forgets the answer. IP literals are answered too, without a worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "proto/io/io_error.h"
#include "proto/io/loop.h"
#include "proto/netaddr/ip_address.h"

namespace aya::io {

class NameLookup {
 public:
  using Answer = Result<std::vector<IpAddress>, IoError>;  // never empty

  NameLookup(Loop& loop, const std::string& host, std::function<void(Answer)> done);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

 private:
  struct Impl;
  Impl* impl_;  // outlives this until the worker is done
};

}  // namespace aya::io
