// The tests a policy carries: run when it is set, and on request (interfaces 5.5).
//
// A test speaks of people and tags. Where machines of theirs exist, all of those must pass; where
// none exist yet, one is imagined that is nothing but theirs.
#pragma once

#include "coord-server/policy/engine.h"

namespace aya::policy {

struct TestFailure {
  std::string who;                  // the test's source
  std::vector<std::string> errors;  // `address "db:22": want: Accept, got: Drop`
};

std::vector<TestFailure> run_tests(
    const Engine& engine, const std::vector<policy_file::AccessTest>& tests);
std::vector<TestFailure> run_ssh_tests(
    const Engine& engine, const std::vector<policy_file::SshTest>& tests);

// One end of an imagined connection.
struct End {
  Device device;
  const Person* owner = nullptr;
  std::optional<IpAddress> address;  // if one was asked for; else any of the device's
  bool real = false;                 // a device that exists
};

// What a text of a test or a question means: machines, people, tags, addresses. Empty if there is
// no such thing.
std::vector<End> ends_of(const Engine& engine, const std::string& text);

// Does this rule let the packet through?
bool lets_through(
    const Engine& engine, const Rule& rule, const End& from, const End& to,
    std::optional<std::int64_t> protocol, std::optional<std::uint16_t> port);

}  // namespace aya::policy
