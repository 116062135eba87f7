// Shells ask `completion __complete -- WORDS...` what the last of the words may become; the scripts
// that make them do so are below. The answer has a line for each candidate, with a description
// after a tab, and ends with ":0", as the stock program answers the scripts that come with it.
#include <algorithm>

#include "cli/commands/table.h"
#include "cli/nodes.h"
#include "cli/settings.h"
#include "cli/text.h"
#include "proto/local/login_profile.h"

namespace aya::cli {
namespace {

constexpr std::string_view kBash = R"(_PROGRAM_complete() {
  local line words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  # Bash takes "--flag=value" apart, and only the value is replaced.
  if [[ ${words[-1]} == "=" ]]; then
    words=("${words[@]:0:${#words[@]}-1}" "")
  elif (( ${#words[@]} > 1 )) && [[ ${words[-2]} == "=" ]]; then
    words=("${words[@]:0:${#words[@]}-2}" "${words[-1]}")
  fi
  while IFS= read -r line; do
    [[ $line == :* ]] || COMPREPLY+=("${line%%$'\t'*}")
  done < <("${COMP_WORDS[0]}" completion __complete -- "${words[@]}" 2>/dev/null)
}
complete -F _PROGRAM_complete PROGRAM
)";

constexpr std::string_view kZsh = R"(#compdef PROGRAM
_PROGRAM() {
  local -a found
  local line
  for line in "${(@f)$("${words[1]}" completion __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line || $line == :* ]] && continue
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe PROGRAM found
}
compdef _PROGRAM PROGRAM
)";

constexpr std::string_view kFish =
    R"(complete -c PROGRAM -f -a '(PROGRAM completion __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null | string match -v ":*")'
)";

constexpr std::string_view kPowershell =
    R"(Register-ArgumentCompleter -Native -CommandName PROGRAM -ScriptBlock {
  param($word, $line, $cursor)
  $words = @($line.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($word -eq '') { $words += '' }
  & PROGRAM completion __complete -- @words 2>$null | Where-Object { $_ -notlike ':*' } |
    ForEach-Object {
      $parts = $_ -split "`t", 2
      $about = if ($parts[1]) { $parts[1] } else { $parts[0] }
      [System.Management.Automation.CompletionResult]::new($parts[0], $parts[0], 'ParameterValue', $about)
    }
}
)";

struct Candidate {
  std::string word, about;
};

// Everything that can be asked silently: a shell in the middle of a line wants no complaints.
class Candidates {
 public:
  explicit Candidates(Context& context) : context_(context) {}

  std::vector<Candidate> after(Arguments words) {
    if (words.empty()) words.emplace_back();
    typed_ = words.back();
    words.pop_back();
    if (words.empty()) {
      verbs();
    } else if (const Command* command = find_command(words.front())) {
      command_ = command;
      if (const auto flag = flag_that_waits(words)) {
        values(*flag);
      } else if (typed_.starts_with('-')) {
        flags();
      } else {
        arguments(words);
      }
    }
    return std::move(found_);
  }

 private:
  void offer(std::string word, std::string_view about) {
    if (word.starts_with(typed_)) found_.push_back({std::move(word), std::string(about)});
  }

  void verbs() {
    for (const Command& command : command_table()) {
      if (!command.hidden) offer(std::string(command.name), command.summary);
    }
  }

  std::vector<Flags::Description> described() {
    if (!command_->words.empty() && command_->name != "switch") return {};
    std::vector<Flags::Description> out;
    Context asking(context_.console, context_.program, context_.socket(), false, *command_, {});
    asking.describe_flags(out);
    (void)command_->run(asking, {"--help"});
    return out;
  }

  void flags() {
    const std::string dashes = typed_.starts_with("--") || typed_ == "-" ? "--" : "-";
    for (const auto& flag : described()) offer(dashes + flag.name, flag.help);
  }

  // The flag whose value is being typed.
  std::optional<std::string> flag_that_waits(const Arguments& words) {
    if (words.size() < 2 || !words.back().starts_with('-')) return std::nullopt;
    const std::string name(
        std::string_view(words.back()).substr(words.back().starts_with("--") ? 2 : 1));
    const auto all = described();
    const auto found = std::ranges::find(all, name, &Flags::Description::name);
    return found != all.end() && found->takes_value ? std::optional(name) : std::nullopt;
  }

  void values(const std::string& flag) {
    if (flag == "exit-node") return nodes(true);
    if (flag == "netfilter-mode") {
      for (const char* mode : {"on", "nodivert", "off"}) offer(mode, "");
    }
  }

  void arguments(const Arguments& words) {
    if (words.size() == 1 && !command_->words.empty()) {
      for (const std::string& word : split(command_->words, ' ')) offer(word, "");
    }
    switch (command_->offer) {
      case Offer::Nothing:
        return;
      case Offer::Nodes:
        return nodes(false);
      case Offer::ExitNodes:
        return nodes(true);
      case Offer::Logins:
        return logins();
      case Offer::Settings:
        for (const Setting& setting : settings()) {
          if (setting.in_get) offer(std::string(setting.name), setting.help);
        }
    }
  }

  void nodes(bool only_exit_nodes) {
    const auto status = context_.client.status();
    if (!status) return;
    // Those that would work first.
    for (const bool online : {true, false}) {
      for (const local::PeerStatus* peer : sorted_peers(*status)) {
        if (peer->online != online || (only_exit_nodes && !peer->exit_node_option)) continue;
        const std::string about =
            peer->tailscale_ips.empty() ? "" : peer->tailscale_ips.front().to_text();
        offer(short_name(*status, *peer), online ? about : about + ", offline");
      }
    }
  }

  void logins() {
    const auto body = context_.client.get("profiles/");
    const auto all = body ? local::parse_login_profiles(*body) : ParseError::Truncated;
    if (!all) return;
    for (const auto& login : *all) offer(login.id, printable(login.name));
  }

  Context& context_;
  const Command* command_ = nullptr;
  std::string typed_;
  std::vector<Candidate> found_;
};

Outcome complete(Context& context, Arguments words) {
  std::string out;
  for (const auto& [word, about] : Candidates(context).after(std::move(words))) {
    out += word + (about.empty() ? "" : "\t" + about) + "\n";
  }
  context.out(out + ":0\n");
  return {};
}

}  // namespace

Outcome completion(Context& context, const Arguments& args) {
  if (!args.empty() && args.front() == "__complete") {
    Arguments words(args.begin() + 1, args.end());
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
    return complete(context, std::move(words));
  }
  Flags flags;
  flags.unsupported({"flags", "descs"});
  const auto left = context.parse(flags, args.empty() ? Arguments{"--help"} : args);
  if (!left) return left.error();
  const std::pair<std::string_view, std::string_view> kScripts[] = {
      {"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}, {"powershell", kPowershell}};
  const auto found = std::ranges::find(
      kScripts, std::string_view(left->front()),
      &std::pair<std::string_view, std::string_view>::first);
  if (found == std::end(kScripts) || left->size() != 1) {
    return Failure{Exit::BadArgument, "completion takes one of bash, zsh, fish, powershell"};
  }
  std::string script(found->second);
  for (std::size_t at = 0; (at = script.find("PROGRAM", at)) != std::string::npos;) {
    script.replace(at, 7, context.program);
  }
  context.out(script);
  return {};
}

}  // namespace aya::cli
