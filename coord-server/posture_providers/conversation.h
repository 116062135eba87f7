// One round of questions to a provider: a token where it wants one, then every page of its lists of
// hosts, until it is known what it says of each machine.
//
//   Conversation talk("intune", access);
//   for (;;) {
//     ... carry out talk.question(), and tell what came of it:
//     auto progress = talk.take(outcome);
//     if (!progress) ...;                              // it failed, and says why, for people
//     if (*progress == Conversation::Progress::Over) break;
//   }
//   std::move(talk).report();
//
// Whatever a provider answers, questions go to where the administrator said and nowhere else, their
// number and what is kept of the answers are bounded, and no secret is in what is said to people.
// Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "coord-server/delivery/message.h"
#include "coord-server/posture_providers/providers.h"

namespace aya::posture_providers {

// By name; values are JSON: a text, a number, true or false.
using Attributes = std::map<std::string, std::string>;

struct Report {
  std::size_t hosts = 0;  // that the provider knows
  std::map<std::string, Attributes> by_serial;  // by plain_serial()
};

// Serial numbers as they are compared: without blanks around them, in upper case. Empty for what
// stands where a machine has none.
std::string plain_serial(std::string_view text);

class Conversation {
 public:
  static constexpr std::size_t kMostQuestions = 5000;
  static constexpr std::size_t kLongestAnswer = std::size_t{8} << 20;

  // `access`: what fault_in() has nothing against.
  Conversation(std::string_view provider, PostureAccess access);
  ~Conversation();
  Conversation(Conversation&&) noexcept;
  Conversation& operator=(Conversation&&) noexcept;

  // The next one; until it is over.
  delivery::Message question() const;

  enum class Progress { GoesOn, Over };
  Result<Progress, std::string> take(const delivery::Outcome& outcome);
  // When it is over.
  Report report() &&;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::posture_providers
