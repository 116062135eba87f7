// The command line of the daemon, and the numbers it gives to peers.
#include "daemon/app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/app/peer_numbers.h"

namespace aya::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

Options parse(const std::vector<std::string>& words) {
  const auto options = parse_options(words);
  EXPECT_TRUE(options) << options.error().text;
  return options ? *options : Options{};
}
ShowText shown(const std::vector<std::string>& words) {
  const auto options = parse_options(words);
  EXPECT_FALSE(options);
  return options ? ShowText{} : options.error();
}

TEST(OptionsTest, NothingSaidMeansTheDefaults) {
  const Options options = parse({});
  EXPECT_EQ(options.tun, "ayatori0");
  EXPECT_EQ(options.state_path(), "/var/lib/ayatori/ayatorid.state");
  EXPECT_EQ(options.socket, "/run/ayatori/ayatorid.sock");
  EXPECT_EQ(options.port, 0);
  EXPECT_EQ(options.plain_interface, "");
  EXPECT_TRUE(options.port_mapping);
}

TEST(OptionsTest, EveryFlagInEverySpelling) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--tun", "t0", "--statedir", "/s", "--socket", "/k", "--port", "41641", "--verbose",
            "2"},
           {"--tun=t0", "--statedir=/s", "--socket=/k", "--port=41641", "--verbose=2"},
           {"-tun=t0", "-statedir", "/s", "-socket", "/k", "-port=41641", "-verbose", "2",
            "--no-logs-no-support"}}) {
    const Options options = parse(words);
    EXPECT_EQ(options.tun, "t0");
    EXPECT_EQ(options.state_path(), "/s/ayatorid.state");
    EXPECT_EQ(options.socket, "/k");
    EXPECT_EQ(options.port, 41641);
    EXPECT_EQ(options.verbose, 2);
  }
  EXPECT_EQ(parse({"--statedir=/s", "--state=/f"}).state_path(), "/f");
  EXPECT_FALSE(parse({"--no-portmap"}).port_mapping);
  EXPECT_EQ(parse({"--socket=/a=b"}).socket, "/a=b");
  EXPECT_EQ(parse({"--fwmark=0x100/0x300"}).mark, (os::BypassMark{0x100, 0x300}));
  EXPECT_EQ(parse({}).mark, os::BypassMark{});
  EXPECT_THAT(shown({"--fwmark=0x100"}).text, HasSubstr("--fwmark takes a value and a mask"));
  EXPECT_TRUE(parse({"--cleanup"}).cleanup);
  EXPECT_FALSE(parse({"--cleanup"}).disarm);
  EXPECT_TRUE(parse({"--cleanup", "--disarm"}).disarm);
}

TEST(OptionsTest, PlainModeTakesOneInterface) {
  EXPECT_EQ(parse({"wg", "wg0"}).plain_interface, "wg0");
  EXPECT_EQ(parse({"wg", "--verbose=1", "wg0"}).plain_interface, "wg0");
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"wg"}, {"wg", "a", "b"}, {"wg", "sixteen-bytes-xx"}, {"wg", ""}}) {
    EXPECT_EQ(shown(words).exit_code, 2);
  }
}

TEST(OptionsTest, WhatIsWrongIsOneLineThatNamesIt) {
  const struct {
    std::vector<std::string> words;
    const char* named;
  } kCases[] = {
      {{"--colour"}, "unknown flag --colour"},
      {{"up"}, "unknown word \"up\""},
      {{"--port"}, "--port needs a value"},
      {{"--port=65536"}, "a number from 0 to 65535, not \"65536\""},
      {{"--port=-1"}, "not \"-1\""},
      {{"--port=1x"}, "not \"1x\""},
      {{"--verbose=-1"}, "--verbose takes a number"},
      {{"--disarm"}, "--disarm goes with --cleanup"},
      {{"--tun="}, "1 to 15 bytes"},
      {{"--tun=sixteen-bytes-xx"}, "1 to 15 bytes"},
      {{"--tun=userspace-networking"}, "give an interface name such as ayatori0"},
  };
  for (const auto& [words, named] : kCases) {
    const ShowText text = shown(words);
    EXPECT_EQ(text.exit_code, 2);
    EXPECT_THAT(text.text, AllOf(StartsWith("ayatorid: "), HasSubstr(named), EndsWith("\n")));
    EXPECT_EQ(std::ranges::count(text.text, '\n'), 1) << text.text;
  }
}

TEST(OptionsTest, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(shown({"--help"}).exit_code, 0);
  EXPECT_THAT(shown({"-h"}).text, HasSubstr("--statedir"));
  EXPECT_THAT(shown({"--version"}).text, StartsWith("ayatorid "));
}

TEST(PeerNumbersTest, AreSmallStableAndUsedAgain) {
  using netmap::NodeId;
  PeerNumbers numbers;
  EXPECT_EQ(numbers.number_of(NodeId{700}).value, 0u);
  EXPECT_EQ(numbers.number_of(NodeId{5}).value, 1u);
  EXPECT_EQ(numbers.number_of(NodeId{700}).value, 0u);
  EXPECT_EQ(numbers.node_of(PeerId{1}), NodeId{5});
  EXPECT_EQ(numbers.node_of(PeerId{2}), std::nullopt);
  EXPECT_THAT(numbers.nodes(), ElementsAre(NodeId{5}, NodeId{700}));

  numbers.release(NodeId{700});
  numbers.release(NodeId{700});  // twice frees it once
  EXPECT_EQ(numbers.find(NodeId{700}), std::nullopt);
  EXPECT_EQ(numbers.node_of(PeerId{0}), std::nullopt);
  EXPECT_EQ(numbers.number_of(NodeId{8}).value, 0u);
  EXPECT_EQ(numbers.number_of(NodeId{9}).value, 2u);
  numbers.clear();
  EXPECT_EQ(numbers.number_of(NodeId{9}).value, 0u);
}

}  // namespace
}  // namespace aya::app
