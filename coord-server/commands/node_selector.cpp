#include "coord-server/commands/node_selector.h"

#include <algorithm>

#include "coord-server/commands/table.h"
#include "proto/idna/international_name.h"

namespace aya::coord {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return text;
}

bool has_address(const Json& device, const std::string& wanted) {
  return std::ranges::any_of(
      list_at(device, "addresses"), [&](const Json& address) { return address == wanted; });
}

bool is_named(const Json& device, const std::string& wanted) {
  return lower(label_of(device)) == wanted || lower(text_at(device, "name")) == wanted ||
         lower(text_at(device, "nodeId")) == wanted || has_address(device, wanted);
}

bool begins_with(const Json& device, const std::string& wanted) {
  return lower(text_at(device, "name")).starts_with(wanted) ||
         lower(text_at(device, "nodeId")).starts_with(wanted);
}

template <class Fits>
std::vector<Json> all_that(const Json& devices, Fits fits) {
  std::vector<Json> found;
  for (const Json& device : devices) {
    if (fits(device)) found.push_back(device);
  }
  return found;
}

Failure ambiguous(const std::vector<Json>& candidates, const std::string& wanted) {
  std::string text = "\"" + wanted + "\" may be:";
  for (const Json& device : candidates) {
    const Json addresses = list_at(device, "addresses");
    text += "\n  " + shown_label(device) + "  " +
            (addresses.empty() ? "" : addresses.front().get<std::string>()) + "  " +
            text_at(device, "nodeId");
  }
  return {Exit::NoSuchNode, text};
}

}  // namespace

std::string label_of(const Json& device) {
  const std::string name = text_at(device, "name");
  return name.substr(0, name.find('.'));
}

std::string shown_label(const Json& device) {
  const std::string label = label_of(device);
  return printable(idna::readable_form(label).value_or(label));
}

Result<Json, Failure> select_node(const Json& devices, const std::string& given) {
  std::string wanted = lower(given);
  if (wanted.ends_with('.')) wanted.pop_back();
  if (!idna::is_ascii(wanted)) wanted = idna::ascii_form(wanted).value_or(wanted);
  if (wanted.empty()) return Failure{Exit::NoSuchNode, "no node has an empty name"};
  // From what names one device for certain to what may name several.
  auto found = all_that(devices, [&](const Json& d) { return is_named(d, wanted); });
  if (found.empty())
    found = all_that(devices, [&](const Json& d) { return text_at(d, "id") == wanted; });
  if (found.empty()) {
    found = all_that(devices, [&](const Json& d) { return text_at(d, "hostname") == given; });
  }
  if (found.empty())
    found = all_that(devices, [&](const Json& d) { return begins_with(d, wanted); });
  if (found.empty()) {
    return Failure{
        Exit::NoSuchNode, "no node is called \"" + printable(given) + "\"; `node ls` lists them"};
  }
  if (found.size() > 1) return ambiguous(found, printable(given));
  return found.front();
}

}  // namespace aya::coord
