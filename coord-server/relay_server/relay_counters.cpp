#include "coord-server/relay_server/relay_counters.h"

namespace aya::relay_server {

std::string_view to_label(DropReason reason) {
  switch (reason) {
    case DropReason::UnknownDestination:
      return "unknown_dest";
    case DropReason::UnknownForwardedDestination:
      return "unknown_dest_on_fwd";
    case DropReason::GoneDisconnected:
      return "gone_disconnected";
    case DropReason::QueueHead:
      return "queue_head";
    case DropReason::QueueTail:
      return "queue_tail";
    case DropReason::WriteError:
      return "write_error";
    case DropReason::DuplicateClient:
      return "dup_client";
    case DropReason::kCount:
      break;
  }
  return "unknown";
}

std::string_view to_label(PacketKind kind) { return kind == PacketKind::Disco ? "disco" : "other"; }

}  // namespace aya::relay_server
