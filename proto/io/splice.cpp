#include "proto/io/splice.h"

#include <utility>

namespace aya::io {
namespace {

constexpr Duration kLookAgain = 5ms;

}  // namespace

class Splice::Side final : public ByteStream::Handler {
 public:
  Side(Splice& owner, std::unique_ptr<ByteStream> stream)
      : owner_(owner), stream_(std::move(stream)) {}

  void join(Side& other) {
    other_ = &other;
    stream_->start(*this);
  }

  // Reads on once the other side has room; false while it has none.
  bool go_on() {
    if (!held_back_) return true;
    if (other_->stream_->queued() > ByteStream::kHighWater) return false;
    held_back_ = false;
    stream_->start(*this);
    return true;
  }

 private:
  void on_bytes(Bytes bytes) override {
    other_->stream_->write(bytes);
    if (other_->stream_->queued() <= ByteStream::kHighWater) return;
    held_back_ = true;
    stream_->pause();
    owner_.look_again_.arm_in(kLookAgain);
  }
  void on_drained() override { other_->go_on(); }
  void on_closed(const IoError&) override { owner_.end(); }

  Splice& owner_;
  std::unique_ptr<ByteStream> stream_;
  Side* other_ = nullptr;
  bool held_back_ = false;
};

Splice::Splice(
    Loop& loop, std::unique_ptr<ByteStream> left, std::unique_ptr<ByteStream> right,
    std::function<void()> ended)
    : left_(std::make_unique<Side>(*this, std::move(left))),
      right_(std::make_unique<Side>(*this, std::move(right))),
      ended_(std::move(ended)),
      look_again_(loop, [this] { look_again(); }) {
  left_->join(*right_);
  right_->join(*left_);
}

Splice::~Splice() = default;

void Splice::look_again() {
  const bool left = left_->go_on(), right = right_->go_on();
  if (!left || !right) look_again_.arm_in(kLookAgain);
}

void Splice::end() {
  left_.reset();
  right_.reset();
  look_again_.disarm();
  std::exchange(ended_, nullptr)();
}

}  // namespace aya::io
