#include "coord-server/relay_server/output_queue.h"

#include <utility>

namespace aya::relay_server {
namespace {

// A control buffer larger than this is given back once it is empty.
constexpr std::size_t kKeptControl = 4096;

}  // namespace

bool OutputQueue::push(PacketKind kind, Packet frame) {
  Packets& packets = kind == PacketKind::Disco ? disco_ : other_;
  const bool oldest_goes = packets.full();
  if (oldest_goes) packets.pop_front();
  packets.push_back(std::move(frame));
  return oldest_goes;
}

OutputQueue::Written OutputQueue::write(std::size_t room, Buffer& out) {
  const std::size_t before = out.size();
  const std::size_t limit = before + room;
  Written written;
  write_control(limit, out);
  if (pong_ && out.size() < limit) {
    derp::write_pong(*pong_, out);
    pong_.reset();
  }
  write_packets(disco_, limit, out, written);
  write_packets(other_, limit, out, written);
  written.bytes = out.size() - before;
  return written;
}

void OutputQueue::write_control(std::size_t limit, Buffer& out) {
  while (control_at_ < control_.size() && out.size() < limit) {
    const Bytes rest = Bytes(control_).subspan(control_at_);
    const auto header = derp::parse_frame_header(rest.first<derp::kFrameHeaderSize>());
    const Bytes frame = rest.first(derp::kFrameHeaderSize + header.length);
    append(out, frame);
    control_at_ += frame.size();
  }
  if (control_at_ < control_.size()) return;
  control_.clear();
  control_at_ = 0;
  if (control_.capacity() > kKeptControl) Buffer().swap(control_);
}

void OutputQueue::write_packets(
    Packets& packets, std::size_t limit, Buffer& out, Written& written) {
  while (!packets.empty() && out.size() < limit) {
    const Packet frame = packets.pop_front();
    append(out, frame.bytes());
    ++written.packets;
    written.packet_bytes += frame.size() - derp::kKeyedHeaderSize;
  }
}

void OutputQueue::drop_packets(DropReason reason, RelayCounters& counters) {
  auto& by_kind = counters.drops[static_cast<std::size_t>(reason)];
  by_kind[static_cast<std::size_t>(PacketKind::Disco)] += disco_.size();
  by_kind[static_cast<std::size_t>(PacketKind::Other)] += other_.size();
  disco_ = {};
  other_ = {};
}

}  // namespace aya::relay_server
