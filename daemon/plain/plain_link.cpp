#include "daemon/plain/plain_link.h"

#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>

#include "daemon/os/tun.h"
#include "daemon/plain/plain_device.h"
#include "proto/io/fd_watcher.h"
#include "proto/io/timer.h"
#include "proto/io/udp_socket.h"
#include "proto/io/unix_stream.h"

namespace aya::plain {
namespace {

constexpr const char* kSocketFolder = "/var/run/wireguard";
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kSocketMode = 0600;
constexpr unsigned kMtu = 1420;
constexpr std::size_t kLargestPacket = 9216;  // interfaces may be set to jumbo frames
constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestRequest = 16 * 1024 * 1024;

class PlainLink final : public PlainDevice::Ports, public io::UdpSocket::Handler {
 public:
  PlainLink(io::Loop& loop, Logger& log, std::string interface)
      : loop_(loop),
        log_(log),
        interface_(std::move(interface)),
        pool_(kLargestPacket),
        batch_(kBatch),
        device_(
            rng_, pool_,
            tunnel::Options{.wall_clock = [this] { return loop_.wall_now(); }, .mtu = kMtu}, *this),
        timer_(loop, [this] {
          device_.advance(loop_.now());
          arm();
        }) {}

  std::optional<std::string> open() {
    auto tun = os::Tun::open({.name = interface_, .mtu = kMtu});
    if (!tun) return tun.error().message();
    tun_ = std::move(*tun);
    tun_watcher_.emplace(loop_, tun_->poll_fd(), [this] { on_tun_readable(); });
    if (auto problem = bind(0, 0)) return problem;

    if (::mkdir(kSocketFolder, kFolderMode) != 0 && errno != EEXIST) {
      return std::string("cannot make ") + kSocketFolder + ": " + std::strerror(errno) +
             "; run as root";
    }
    const std::string path = std::string(kSocketFolder) + "/" + tun_->name() + ".sock";
    auto listener = io::UnixListener::listen(
        loop_, path, kSocketMode,
        [this](std::unique_ptr<io::ByteStream> stream, std::optional<io::PeerCredentials>) {
          auto client = std::make_unique<Client>(*this, std::move(stream));
          const Client* key = client.get();
          clients_[key] = std::move(client);
        });
    if (!listener) return "cannot listen on " + path + ": " + listener.error().detail;
    listener_ = std::move(*listener);
    return std::nullopt;
  }

  bool interface_gone() const { return interface_gone_; }

 private:
  // One connection of `wg`: requests one after the other, each ended by an empty line.
  class Client final : public io::ByteStream::Handler {
   public:
    Client(PlainLink& link, std::unique_ptr<io::ByteStream> stream)
        : link_(link), stream_(std::move(stream)) {
      stream_->start(*this);
    }

   private:
    void on_bytes(Bytes bytes) override {
      input_ += as_text(bytes);
      for (std::size_t end; (end = input_.find("\n\n")) != std::string::npos;) {
        const std::string request = input_.substr(0, end + 1);
        input_.erase(0, end + 2);
        stream_->write(as_bytes(link_.answer(request)));
      }
      if (input_.size() > kLargestRequest) link_.drop(this);
    }
    void on_closed(const io::IoError&) override { link_.drop(this); }

    PlainLink& link_;
    std::unique_ptr<io::ByteStream> stream_;
    std::string input_;
  };

  void drop(const Client* client) { clients_.erase(client); }

  std::string answer(const std::string& request) {
    const auto operation = operation_of(request);
    if (!operation) return print_errno(EINVAL);
    if (*operation == Operation::Get) {
      DeviceView view = device_.view();
      view.listen_port = udp_ ? udp_->port() : std::uint16_t{0};
      view.fwmark = fwmark_;
      return print(view) + print_errno(0);
    }
    const auto edit = parse_set(request);
    if (!edit) return print_errno(edit.error());
    return print_errno(apply(*edit));
  }

  int apply(const DeviceEdit& edit) {
    const std::uint16_t port = edit.listen_port.value_or(udp_ ? udp_->port() : std::uint16_t{0});
    const std::uint32_t mark = edit.fwmark.value_or(fwmark_);
    const bool other_port = edit.listen_port && (!udp_ || *edit.listen_port != udp_->port());
    if (other_port || mark != fwmark_) {
      if (const auto problem = bind(port, mark)) {
        log_.error("cannot bind", {{"why", *problem}});
        return EADDRINUSE;
      }
    }
    device_.apply(edit, loop_.now());
    arm();
    return 0;
  }

  // The old socket stays when the new one cannot be had.
  std::optional<std::string> bind(std::uint16_t port, std::uint32_t mark) {
    io::UdpOptions options;
    options.port = port;
    options.socket.mark = mark;
    const std::uint16_t before = udp_ ? udp_->port() : std::uint16_t{0};
    if (port != 0 && port == before) udp_.reset();  // only the mark changes
    auto socket = io::UdpSocket::open(loop_, pool_, options, *this);
    if (!socket) {
      return "UDP port " + std::to_string(port) + ": " + socket.error().detail;
    }
    udp_ = std::move(*socket);
    fwmark_ = mark;
    return std::nullopt;
  }

  void on_tun_readable() {
    const auto count = tun_->read(batch_, pool_);
    if (!count) {
      // Deleted from outside: there is nothing left to serve.
      log_.info("the interface is gone", {{"why", count.error().message()}});
      interface_gone_ = true;
      loop_.stop();
      return;
    }
    device_.from_host(std::span(batch_).first(*count), loop_.now());
    arm();
  }

  // PlainDevice::Ports
  void to_host(std::span<const Packet> packets) override {
    if (const auto written = tun_->write(packets); !written) {
      log_.debug("cannot write to the interface", {{"why", written.error().message()}});
    }
  }
  void to_udp(std::span<const UdpOut> datagrams) override {
    sends_.clear();
    for (const UdpOut& out : datagrams) sends_.push_back({out.bytes, out.to, {}});
    if (udp_) udp_->send(sends_);
  }

  // io::UdpSocket::Handler
  void on_datagrams(std::span<io::UdpReceived> batch) override {
    arrivals_.clear();
    for (auto& received : batch) arrivals_.push_back({std::move(received.packet), received.from});
    device_.from_udp(arrivals_, loop_.now());
    arrivals_.clear();
    arm();
  }

  void arm() { timer_.arm(device_.next_deadline()); }

  io::Loop& loop_;
  Logger& log_;
  std::string interface_;
  SystemRng rng_;
  PacketPool pool_;
  std::unique_ptr<os::Tun> tun_;
  std::unique_ptr<io::UdpSocket> udp_;
  std::uint32_t fwmark_ = 0;
  std::vector<Packet> batch_;
  std::vector<UdpIn> arrivals_;
  std::vector<io::UdpSend> sends_;
  PlainDevice device_;
  std::optional<io::FdWatcher> tun_watcher_;
  std::unique_ptr<io::UnixListener> listener_;
  std::map<const Client*, std::unique_ptr<Client>> clients_;
  bool interface_gone_ = false;
  io::Timer timer_;
};

}  // namespace

int run(const std::string& interface, Logger& log) {
  io::Loop loop;
  PlainLink link(loop, log, interface);
  if (const auto problem = link.open()) {
    std::fprintf(stderr, "ayatorid: %s\n", problem->c_str());
    return 1;
  }
  loop.on_signals({SIGTERM, SIGINT}, [&](int) { loop.stop(); });
  log.info("serving plain WireGuard", {{"interface", interface}});
  loop.run();
  return link.interface_gone() ? 1 : 0;
}

}  // namespace aya::plain
