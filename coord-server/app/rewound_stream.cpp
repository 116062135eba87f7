#include "coord-server/app/rewound_stream.h"

#include <utility>

namespace aya::coord {

RewoundStream::RewoundStream(io::Loop& loop, std::unique_ptr<io::ByteStream> rest, Buffer beginning)
    : rest_(std::move(rest)),
      beginning_(std::move(beginning)),
      replay_(loop, [this] { replay(); }) {}

void RewoundStream::start(Handler& handler) {
  if (beginning_.empty()) return rest_->start(handler);
  handler_ = &handler;
  replay_.arm_in(0ns);
}

void RewoundStream::pause() {
  if (beginning_.empty()) return rest_->pause();
  handler_ = nullptr;
  replay_.disarm();
}

void RewoundStream::replay() {
  const Buffer beginning = std::exchange(beginning_, {});
  Handler& handler = *handler_;
  rest_->start(handler);
  handler.on_bytes(beginning);  // may have destroyed this
}

void RewoundStream::close() {
  replay_.disarm();
  rest_->close();
}

}  // namespace aya::coord
