// UdpSocket on the loopback interface.
#include "proto/io/udp_socket.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;

struct Heard {
  std::string text;
  Endpoint from;
  IpAddress local;
};

class Inbox final : public UdpSocket::Handler {
 public:
  void on_datagrams(std::span<UdpReceived> batch) override {
    largest_batch = std::max(largest_batch, batch.size());
    for (const UdpReceived& one : batch) {
      heard.push_back({std::string(as_text(one.packet.bytes())), one.from, one.local});
    }
    if (then) then();
  }
  void on_broken(const IoError& why) override { ADD_FAILURE() << why.detail; }

  std::vector<Heard> heard;
  std::size_t largest_batch = 0;
  std::function<void()> then;
};

class UdpSocketTest : public testing::Test {
 protected:
  std::unique_ptr<UdpSocket> open(Inbox& inbox, const UdpOptions& options = {}) {
    auto opened = UdpSocket::open(loop_, pool_, options, inbox);
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().detail);
    return opened ? std::move(*opened) : nullptr;
  }
  bool hears(const Inbox& inbox, std::size_t count) {
    return loop_.run_until([&] { return inbox.heard.size() >= count; }, kLimit);
  }
  static void send(
      UdpSocket& from, std::string_view text, const Endpoint& to, IpAddress local = {}) {
    const UdpSend one{as_bytes(text), to, local};
    EXPECT_EQ(from.send({&one, 1}), 1u);
  }

  Loop loop_;
  PacketPool pool_;
  Inbox inbox_a_, inbox_b_;
};

TEST_F(UdpSocketTest, CarriesBothFamiliesOnOnePort) {
  const auto a = open(inbox_a_), b = open(inbox_b_);
  ASSERT_TRUE(a->has_v4());
  EXPECT_NE(a->port(), b->port());
  send(*a, "four", {kLocal4, b->port()});
  ASSERT_TRUE(hears(inbox_b_, 1));
  EXPECT_EQ(inbox_b_.heard[0].text, "four");
  EXPECT_EQ(inbox_b_.heard[0].from, (Endpoint{kLocal4, a->port()}));
  EXPECT_EQ(inbox_b_.heard[0].local, kLocal4);
  if (!a->has_v6() || !b->has_v6()) GTEST_SKIP() << "no IPv6 here";
  send(*a, "six", {kLocal6, b->port()});
  ASSERT_TRUE(hears(inbox_b_, 2));
  EXPECT_EQ(inbox_b_.heard[1].text, "six");
  EXPECT_EQ(inbox_b_.heard[1].from, (Endpoint{kLocal6, a->port()}));
  EXPECT_EQ(inbox_b_.heard[1].local, kLocal6);
}

TEST_F(UdpSocketTest, KeepsOrderOverSeveralBatches) {
  const auto a = open(inbox_a_), b = open(inbox_b_);
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back("datagram " + std::to_string(i));
  std::vector<UdpSend> batch;
  for (const auto& text : texts) batch.push_back({as_bytes(text), {kLocal4, b->port()}, {}});
  EXPECT_EQ(a->send(batch), batch.size());
  ASSERT_TRUE(hears(inbox_b_, batch.size()));
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(inbox_b_.heard[i].text, texts[i]);
  EXPECT_EQ(inbox_b_.largest_batch, UdpSocket::kBatch);
  EXPECT_EQ(a->counters().sent, 200u);
  EXPECT_EQ(b->counters().received, 200u);
}

TEST_F(UdpSocketTest, SplitsABatchOfMixedFamilies) {
  const auto a = open(inbox_a_), b = open(inbox_b_);
  if (!a->has_v6() || !b->has_v6()) GTEST_SKIP() << "no IPv6 here";
  const Endpoint four{kLocal4, b->port()}, six{kLocal6, b->port()};
  const std::vector<UdpSend> batch = {
      {as_bytes("1"), four, {}},
      {as_bytes("2"), six, {}},
      {as_bytes("3"), six, {}},
      {as_bytes("4"), four, {}}};
  EXPECT_EQ(a->send(batch), 4u);
  ASSERT_TRUE(hears(inbox_b_, 4));
}

TEST_F(UdpSocketTest, TakesNoMorePacketsFromThePoolThanOneBatch) {
  const auto a = open(inbox_a_), b = open(inbox_b_);
  for (std::size_t round = 1; round <= 20; ++round) {
    for (int i = 0; i < 50; ++i) send(*a, "x", {kLocal4, b->port()});
    ASSERT_TRUE(hears(inbox_b_, 50 * round));
  }
  EXPECT_LE(pool_.slabs(), UdpSocket::kBatch);
}

TEST_F(UdpSocketTest, LeavesPacketsToAHandlerThatTakesThem) {
  const auto a = open(inbox_a_);
  struct Keeper final : UdpSocket::Handler {
    void on_datagrams(std::span<UdpReceived> batch) override {
      for (UdpReceived& one : batch) kept.push_back(std::move(one.packet));
    }
    std::vector<Packet> kept;
  } keeper;
  auto b = *UdpSocket::open(loop_, pool_, {}, keeper);
  for (const auto text : {"one", "two", "three"}) send(*a, text, {kLocal4, b->port()});
  ASSERT_TRUE(loop_.run_until([&] { return keeper.kept.size() == 3; }, kLimit));
  EXPECT_EQ(as_text(keeper.kept[0].bytes()), "one");
  EXPECT_EQ(as_text(keeper.kept[2].bytes()), "three");
  EXPECT_GE(keeper.kept[0].headroom(), Packet::kHeadroom);
  b.reset();
  keeper.kept.clear();
}

TEST_F(UdpSocketTest, AnswersFromTheAddressThatWasAsked) {
  const auto a = open(inbox_a_), b = open(inbox_b_);
  const IpAddress second = IpAddress::v4(0x7f000002);
  send(*a, "question", {second, b->port()});
  ASSERT_TRUE(hears(inbox_b_, 1));
  EXPECT_EQ(inbox_b_.heard[0].local, second);
  send(*b, "answer", inbox_b_.heard[0].from, inbox_b_.heard[0].local);
  ASSERT_TRUE(hears(inbox_a_, 1));
  EXPECT_EQ(inbox_a_.heard[0].from, (Endpoint{second, b->port()}));
}

TEST_F(UdpSocketTest, DropsTheDatagramAtFaultAndSendsTheOthers) {
  const auto a = open(inbox_a_), b = open(inbox_b_);
  const std::string too_long(65508, 'x');
  const Endpoint to{kLocal4, b->port()};
  const IpAddress not_ours = *IpAddress::parse("192.0.2.1");
  const std::vector<UdpSend> batch = {
      {as_bytes("one"), to, {}},
      {as_bytes(too_long), to, {}},
      {as_bytes("two"), to, {}},
      {as_bytes("lost"), to, not_ours},
      {as_bytes("three"), to, {}}};
  EXPECT_EQ(a->send(batch), batch.size());
  ASSERT_TRUE(hears(inbox_b_, 3));
  EXPECT_EQ(inbox_b_.heard[2].text, "three");
  EXPECT_EQ(a->counters().too_big, 1u);
  EXPECT_EQ(a->counters().unreachable, 1u);
  EXPECT_EQ(a->counters().sent, 3u);
}

TEST_F(UdpSocketTest, CountsWhatIsLargerThanItsPackets) {
  PacketPool small(100);
  auto b = *UdpSocket::open(loop_, small, {}, inbox_b_);
  const auto a = open(inbox_a_);
  send(*a, std::string(101, 'x'), {kLocal4, b->port()});
  send(*a, std::string(100, 'y'), {kLocal4, b->port()});
  ASSERT_TRUE(hears(inbox_b_, 1));
  EXPECT_EQ(inbox_b_.heard[0].text, std::string(100, 'y'));
  EXPECT_EQ(b->counters().truncated, 1u);
  b.reset();
}

TEST_F(UdpSocketTest, CountsWhatTheKernelDropped) {
  UdpOptions options;
  options.socket_buffer = 4096;
  const auto a = open(inbox_a_), b = open(inbox_b_, options);
  const std::string text(500, 'x');
  for (int i = 0; i < 500; ++i) send(*a, text, {kLocal4, b->port()});
  // The counter travels with the datagrams behind the gap.
  ASSERT_TRUE(hears(inbox_b_, 1));
  send(*a, "last", {kLocal4, b->port()});
  ASSERT_TRUE(loop_.run_until([&] { return inbox_b_.heard.back().text == "last"; }, kLimit));
  EXPECT_GT(b->counters().overflowed, 0u);
  EXPECT_EQ(b->counters().overflowed + b->counters().received, 501u);
}

TEST_F(UdpSocketTest, CountsTheOtherFamilyAsUnreachable) {
  UdpOptions options;
  options.v6 = false;
  const auto a = open(inbox_a_, options);
  EXPECT_FALSE(a->has_v6());
  send(*a, "x", {kLocal6, 9});
  EXPECT_EQ(a->counters().unreachable, 1u);
}

TEST_F(UdpSocketTest, BindsToOneAddressWhenTold) {
  UdpOptions options;
  options.address = kLocal4;
  const auto a = open(inbox_a_, options);
  EXPECT_TRUE(a->has_v4());
  EXPECT_FALSE(a->has_v6());
  options.port = a->port();
  const auto taken = UdpSocket::open(loop_, pool_, options, inbox_b_);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().kind, IoError::Kind::AddressInUse);
  // Another address of the same family is free.
  options.address = IpAddress::v4(0x7f000002);
  EXPECT_NE(open(inbox_b_, options), nullptr);
}

TEST_F(UdpSocketTest, SendsWithAndWithoutLeaveToFragment) {
  const auto a = open(inbox_a_), b = open(inbox_b_);
  for (const bool dont : {true, false}) {
    a->set_dont_fragment(dont);
    send(*a, dont ? "whole" : "any", {kLocal4, b->port()});
  }
  ASSERT_TRUE(hears(inbox_b_, 2));
}

TEST_F(UdpSocketTest, MayBeDestroyedByTheCallItMakes) {
  const auto a = open(inbox_a_);
  auto b = open(inbox_b_);
  inbox_b_.then = [&] { b.reset(); };
  const Endpoint to{kLocal4, b->port()};
  for (int i = 0; i < 100; ++i) send(*a, "x", to);
  ASSERT_TRUE(loop_.run_until([&] { return b == nullptr; }, kLimit));
  EXPECT_FALSE(loop_.run_until([&] { return inbox_b_.heard.size() > UdpSocket::kBatch; }, 20ms));
}

}  // namespace
}  // namespace aya::io
