#include "proto/io/name_lookup.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proto/io/sockaddr.h"
#include "proto/io/timer.h"
#include "proto/io/uv_handle.h"

namespace aya::io {
namespace {

NameLookup::Answer answer_from(int status, const addrinfo* found, const std::string& host) {
  if (status < 0) return IoError::from_uv(status, "look up " + host);
  std::vector<IpAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ai_addr, std::min<std::size_t>(at->ai_addrlen, sizeof(storage)));
    const auto endpoint = from_sockaddr(storage);
    if (endpoint && std::ranges::find(addresses, endpoint->address) == addresses.end()) {
      addresses.push_back(endpoint->address);
    }
  }
  if (addresses.empty()) {
    return IoError{IoError::Kind::NotFound, "look up " + host + ": no address"};
  }
  return addresses;
}

}  // namespace

struct NameLookup::Impl {
  void begin(Loop& loop);
  void finish(Answer answer);

  uv_getaddrinfo_t request{};
  std::string host;
  std::function<void(Answer)> done;  // empty: nobody waits any more
  std::unique_ptr<Timer> soon;       // for answers that need no worker
  bool with_worker = false;
};

void NameLookup::Impl::begin(Loop& loop) {
  if (const auto literal = IpAddress::parse(host)) {
    soon = std::make_unique<Timer>(
        loop, [this, literal] { finish(std::vector<IpAddress>{*literal}); });
    soon->arm(loop.now());
    return;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  request.data = this;
  const int status = uv_getaddrinfo(
      loop.uv(), &request,
      [](uv_getaddrinfo_t* answered, int result, addrinfo* found) {
        auto* self = static_cast<Impl*>(answered->data);
        Answer answer = answer_from(result, found, self->host);
        uv_freeaddrinfo(found);
        self->with_worker = false;
        if (self->done) {
          self->finish(std::move(answer));
        } else {
          delete self;  // the owner left first
        }
      },
      host.c_str(), nullptr, &hints);
  if (status == 0) {
    with_worker = true;
    return;
  }
  soon = std::make_unique<Timer>(
      loop, [this, status] { finish(IoError::from_uv(status, "look up " + host)); });
  soon->arm(loop.now());
}

void NameLookup::Impl::finish(Answer answer) {
  const auto call = std::exchange(done, nullptr);
  call(std::move(answer));  // may destroy the NameLookup and this
}

NameLookup::NameLookup(Loop& loop, const std::string& host, std::function<void(Answer)> done)
    : impl_(new Impl) {
  impl_->host = host;
  impl_->done = std::move(done);
  impl_->begin(loop);
}

NameLookup::~NameLookup() {
  if (!impl_->with_worker) {
    delete impl_;
    return;
  }
  impl_->done = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&impl_->request));
}

}  // namespace aya::io
