// Routes and the kernel, in a network namespace of the test's own: many at once, in batches.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>

#include "daemon/os/netlink.h"
#include "daemon/os/owned_fd.h"
#include "daemon/os/routes.h"
#include "daemon/os/tun.h"

namespace aya::os {
namespace {

class RoutesInTheKernel : public testing::Test {
 protected:
  void SetUp() override {
    outside_ = OwnedFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!outside_ || ::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no right to make a namespace";
    inside_ = true;
    auto tun = Tun::open({.name = "t0", .mtu = 1280});
    if (!tun) GTEST_SKIP() << tun.error().message();
    tun_ = *std::move(tun);
    auto routes = Routes::open(tun_->index(), BypassMark{});
    ASSERT_TRUE(routes) << routes.error().message();
    routes_ = *std::move(routes);
  }
  void TearDown() override {
    routes_.reset();
    tun_.reset();
    if (inside_) {
      ASSERT_EQ(::setns(outside_.get(), CLONE_NEWNET), 0);
    }
  }

  static RouteConfig mesh_of(std::uint32_t peers) {
    RouteConfig out{
        .addresses = {*Prefix::parse("100.64.0.1/32")},
        .routes = {},
        .throws = {},
        .unreachable = {}};
    for (std::uint32_t i = 0; i < peers; ++i) {
      out.routes.push_back(Prefix::host(IpAddress::v4(0x64500000 + i)));
    }
    return out;
  }
  // IPv4 routes in our table.
  static std::size_t count_routes() {
    auto netlink = NetlinkSocket::open();
    rtmsg body{};
    body.rtm_family = AF_INET;
    NetlinkMessage ask(RTM_GETROUTE, NLM_F_DUMP, body);
    ask.add_u32(RTA_TABLE, kRouteTable);
    std::size_t out = 0;
    (void)netlink->dump(std::move(ask), "count", [&](const NetlinkView& entry) {
      const auto table = read_u32(entry.attribute(sizeof(rtmsg), RTA_TABLE));
      if (entry.type() == RTM_NEWROUTE && table == kRouteTable) ++out;
    });
    return out;
  }

  OwnedFd outside_;
  bool inside_ = false;
  std::unique_ptr<Tun> tun_;
  std::unique_ptr<Routes> routes_;
};

TEST_F(RoutesInTheKernel, AThousandComeAndGo) {
  const auto apply = [&](const RouteConfig& wanted) {
    const auto done = routes_->apply(wanted);
    EXPECT_TRUE(done) << done.error().message();
  };
  apply(mesh_of(1000));
  EXPECT_EQ(count_routes(), 1000u);
  apply(mesh_of(300));
  EXPECT_EQ(count_routes(), 300u);
  RouteConfig moved = mesh_of(700);
  moved.addresses = {*Prefix::parse("100.64.0.9/32")};
  apply(moved);
  EXPECT_EQ(count_routes(), 700u);
  apply({});
  EXPECT_EQ(count_routes(), 0u);
}

TEST_F(RoutesInTheKernel, WhatTheKernelRefusesIsToldAndTriedAgain) {
  RouteConfig wanted = mesh_of(600);
  wanted.addresses = {};
  ASSERT_TRUE(routes_->apply(wanted));
  wanted = mesh_of(600);
  wanted.throws = {*Prefix::parse("10.0.0.0/8")};
  wanted.addresses = {*Prefix::parse("224.0.0.1/32")};  // no packet can have it as its source
  const auto refused = routes_->apply(wanted);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("add route 100.80.0.0/32"), std::string::npos)
      << refused.error().message();
  wanted.addresses = {*Prefix::parse("100.64.0.1/32")};
  EXPECT_TRUE(routes_->apply(wanted));
  EXPECT_EQ(count_routes(), 601u);
}

TEST_F(RoutesInTheKernel, EveryRequestOfABatchHasItsOwnAnswer) {
  auto netlink = NetlinkSocket::open();
  ASSERT_TRUE(netlink);
  std::vector<NetlinkMessage> messages;
  for (unsigned i = 0; i < 700; ++i) {
    rtmsg body{};
    body.rtm_family = AF_INET;
    body.rtm_dst_len = 32;
    body.rtm_type = RTN_THROW;
    body.rtm_protocol = kRouteProtocol;
    // Every third asks to remove what is not there.
    const bool add = i % 3 != 0;
    NetlinkMessage message(
        add ? RTM_NEWROUTE : RTM_DELROUTE,
        static_cast<std::uint16_t>(NLM_F_ACK | (add ? NLM_F_CREATE : 0)), body);
    message.add_u32(RTA_TABLE, kRouteTable).add(RTA_DST, IpAddress::v4(0x64500000 + i));
    messages.push_back(std::move(message));
  }
  const auto errors = netlink->request_all(std::move(messages));
  ASSERT_TRUE(errors) << errors.error().message();
  ASSERT_EQ(errors->size(), 700u);
  for (unsigned i = 0; i < 700; ++i) EXPECT_EQ((*errors)[i], i % 3 == 0 ? ESRCH : 0) << i;
}

}  // namespace
}  // namespace aya::os
