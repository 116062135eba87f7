#include "tests/support/test_vectors.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "proto/base/hex.h"

namespace aya::test {
namespace {

namespace fs = std::filesystem;

std::size_t read_cases(const fs::path& path, std::string_view kind, std::vector<Json>& out) {
  std::ifstream in(path);
  const Json file = Json::parse(in);
  std::size_t found = 0;
  for (const Json& one : file.is_array() ? file : file.at("cases")) {
    if (!kind.empty() && one.value("kind", "") != kind) continue;
    out.push_back(one);
    ++found;
  }
  std::printf(
      "[ vectors  ] %s kind=%s: %zu cases\n", path.c_str(),
      kind.empty() ? "*" : std::string(kind).c_str(), found);
  return found;
}

}  // namespace

std::vector<Json> vector_cases(
    std::string_view folder, std::string_view file, std::string_view kind) {
  std::vector<Json> out;
  const fs::path own = fs::path(AYA_TEST_VECTORS) / folder / file;
  if (!fs::exists(own)) {
    ADD_FAILURE() << "missing " << own;
  } else if (read_cases(own, kind, out) == 0) {
    ADD_FAILURE() << "no case of kind " << kind << " in " << own;
  }
  if (const char* extra = std::getenv("AYATORI_VECTORS"); extra != nullptr && *extra != '\0') {
    for (const fs::path& path : {fs::path(extra) / folder / file, fs::path(extra) / file}) {
      if (fs::exists(path)) {
        read_cases(path, kind, out);
        break;
      }
    }
  }
  return out;
}

Buffer hex(std::string_view text) {
  auto bytes = parse_hex(text);
  if (!bytes) throw std::runtime_error("bad hex in a test vector: " + std::string(text));
  return *std::move(bytes);
}

Buffer hex(const Json& text) { return hex(std::string_view(text.get_ref<const std::string&>())); }

Buffer pattern(const Json& spec) {
  Buffer out(spec.at("len").get<std::size_t>());
  const auto seed = spec.at("seed").get<std::size_t>();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i * 7 + seed);
  return out;
}

std::uint64_t u64(const Json& value) {
  return value.is_string() ? std::stoull(value.get<std::string>()) : value.get<std::uint64_t>();
}

}  // namespace aya::test
