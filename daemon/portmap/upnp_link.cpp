#include "daemon/portmap/upnp_link.h"

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "daemon/portmap/marked_connect_link.h"

namespace aya::portmap {
namespace {

// Since then a lease and the remote host are said. The selection of a gateway, which has changed
// since, is not used: which of its services is ours to choose is decided in upnp.cpp.
static_assert(MINIUPNPC_API_VERSION >= 10);

using Clock = std::chrono::steady_clock;

constexpr Duration kConversationTime = 5s;
constexpr Duration kFarewellTime = 1s;
constexpr const char* kUdpWord = "UDP";  // upper case only, for some gateways

UpnpError error_of(int result) {
  return result < 0 ? UpnpError::NoAnswer : static_cast<UpnpError>(result);
}

// One conversation, on one thread.
class MiniUpnp final : public Igd {
 public:
  std::optional<Description> describe(const std::string& url) override {
    if (is_late()) return std::nullopt;
    UPNPUrls urls{};
    IGDdatas said{};
    std::array<char, 64> seen_from{};
    if (UPNP_GetIGDFromUrl(
            url.c_str(), &urls, &said, seen_from.data(), static_cast<int>(seen_from.size())) != 1) {
      return std::nullopt;
    }
    Description out{seen_from.data(), {}};
    add_service(urls, said, out);
    FreeUPNPUrls(&urls);
    // The library makes URLs for the first of two services only.
    std::swap(said.first, said.second);
    urls = {};
    GetUPNPUrls(&urls, &said, url.c_str(), 0);
    add_service(urls, said, out);
    FreeUPNPUrls(&urls);
    return out;
  }

  std::string status(const Service& service) override {
    std::array<char, 64> status{}, last_error{};
    unsigned int uptime = 0;
    const bool answered = !is_late() && UPNP_GetStatusInfo(
                                            service.control_url.c_str(), service.type.c_str(),
                                            status.data(), &uptime, last_error.data()) == 0;
    return answered ? status.data() : "";
  }

  std::string external_address(const Service& service) override {
    std::array<char, 64> address{};
    const bool answered =
        !is_late() && UPNP_GetExternalIPAddress(
                          service.control_url.c_str(), service.type.c_str(), address.data()) == 0;
    return answered ? address.data() : "";
  }

  UpnpError add(const Service& service, const Mapping& mapping) override {
    if (is_late()) return UpnpError::NoAnswer;
    const Words words(mapping);
    return error_of(UPNP_AddPortMapping(
        service.control_url.c_str(), service.type.c_str(), words.external.c_str(),
        words.internal.c_str(), words.client.c_str(), kDescription, kUdpWord, nullptr,
        words.lease.c_str()));
  }

  Added add_any(const Service& service, const Mapping& mapping) override {
    if (is_late()) return {UpnpError::NoAnswer, {}};
    const Words words(mapping);
    std::array<char, 8> reserved{};
    const int result = UPNP_AddAnyPortMapping(
        service.control_url.c_str(), service.type.c_str(), words.external.c_str(),
        words.internal.c_str(), words.client.c_str(), kDescription, kUdpWord, nullptr,
        words.lease.c_str(), reserved.data());
    return {error_of(result), reserved.data()};
  }

  Found find(const Service& service, std::uint16_t external_port) override {
    if (is_late()) return {UpnpError::NoAnswer, {}, {}};
    std::array<char, 64> client{}, port{};
    const int result = UPNP_GetSpecificPortMappingEntry(
        service.control_url.c_str(), service.type.c_str(), std::to_string(external_port).c_str(),
        kUdpWord, nullptr, client.data(), port.data(), nullptr, nullptr, nullptr);
    return {error_of(result), client.data(), port.data()};
  }

  void remove(const Service& service, std::uint16_t external_port) override {
    UPNP_DeletePortMapping(
        service.control_url.c_str(), service.type.c_str(), std::to_string(external_port).c_str(),
        kUdpWord, nullptr);
  }

 private:
  static constexpr const char* kDescription = "ayatori";

  struct Words {
    explicit Words(const Mapping& mapping)
        : external(std::to_string(mapping.external_port)),
          internal(std::to_string(mapping.internal.port)),
          client(mapping.internal.address.to_text()),
          lease(std::to_string(mapping.lease.count())) {}
    std::string external, internal, client, lease;
  };

  static void add_service(const UPNPUrls& urls, const IGDdatas& said, Description& out) {
    if (urls.controlURL == nullptr || said.first.servicetype[0] == '\0') return;
    out.services.push_back({said.first.servicetype, urls.controlURL});
  }

  bool is_late() const { return Clock::now() > until_; }

  const Clock::time_point until_ = Clock::now() + kConversationTime;
};

}  // namespace

struct UpnpLink::Shared {
  std::mutex mutex;
  std::condition_variable gave_back;
  io::Loop* loop = nullptr;  // guarded by `mutex`, like all here; nullptr: nobody listens any more
  int giving_back = 0;
};

UpnpLink::UpnpLink(io::Loop& loop, std::uint32_t mark) : shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
  set_mark_of_calls(mark);
}

UpnpLink::~UpnpLink() {
  std::unique_lock lock(shared_->mutex);
  shared_->loop = nullptr;
  shared_->gave_back.wait_for(lock, kFarewellTime, [this] { return shared_->giving_back == 0; });
}

namespace {

// False: the system has no thread for us.
bool run_aside(std::function<void()> work) {
  try {
    std::thread(std::move(work)).detach();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

void UpnpLink::map(UpnpTask task, std::function<void(const UpnpAnswer&)> done) {
  const auto answer_with = [shared = shared_, done = std::move(done)](UpnpAnswer answer) {
    const std::lock_guard lock(shared->mutex);
    if (shared->loop == nullptr) return;
    shared->loop->post([done, answer = std::move(answer)] { done(answer); });
  };
  const std::uint64_t id = task.id;
  const bool started = run_aside([task = std::move(task), answer_with] {
    SystemRng rng;
    MiniUpnp igd;
    answer_with(map_by_upnp(task, igd, rng));
  });
  if (started) return;
  UpnpAnswer nothing;
  nothing.id = id;
  answer_with(nothing);
}

void UpnpLink::give_back(UpnpHold hold) {
  {
    const std::lock_guard lock(shared_->mutex);
    ++shared_->giving_back;
  }
  const auto finished = [shared = shared_] {
    const std::lock_guard lock(shared->mutex);
    --shared->giving_back;
    shared->gave_back.notify_all();
  };
  const bool started = run_aside([hold = std::move(hold), finished] {
    MiniUpnp igd;
    portmap::give_back(hold, igd);
    finished();
  });
  if (!started) finished();
}

}  // namespace aya::portmap
