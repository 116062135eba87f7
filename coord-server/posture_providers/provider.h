// A provider as a row of a table: all that distinguishes one from another. Private to the room.
//
// Places in answers are JSON pointers. In paths {tenant} stands for that of the integration.
#pragma once

#include <span>
#include <string_view>

namespace aya::posture_providers {

enum class Use { Needed, Optional, Unused };

// What the administrator's `cloud` says.
struct Cloud {
  std::string_view name;  // "us-1"
  std::string_view api;   // "https://api.crowdstrike.com"
  std::string_view login = {};  // where tokens are given out; empty: there, too
};

// How whoever asks proves who that is.
enum class Proof {
  Bearer,    // the secret is a token
  ApiToken,  // the same, by another word
  Basic,     // client and secret
  Token,     // a token got for client and secret (OAuth 2.0, client credentials)
};

// What one answer says about where the next is.
enum class Paging {
  Link,    // a whole URL
  Cursor,  // a word to be said in `parameter`
  Number,  // nothing: pages have numbers, from 0, and the last is shorter than `size`
  Keys,    // nothing: `size` of the hosts known by now are asked about at a time
};

enum class Kind { Text, Number, Flag, Always };  // Always: true for each host it has

struct Field {
  std::string_view attribute;
  const char* at;
  Kind kind;
};

struct Listing {
  std::string_view path;
  const char* items;             // the list of hosts in an answer
  const char* key = nullptr;     // by which another listing names the same host
  const char* serial = nullptr;  // nullptr: what it says is about hosts of a listing before
  const char* seen = nullptr;    // when that host was heard of: the newer of two is the machine
  std::span<const Field> fields = {};
  const char* policies = nullptr;  // a list of Fleet's policies
  Paging paging = Paging::Cursor;
  const char* next = nullptr;           // of Link and Cursor
  std::string_view parameter = {};      // of all but Link
  std::size_t size = 0;
};

struct Provider {
  std::string_view name;
  std::span<const std::string_view> prefixes;  // of its attributes
  std::span<const Cloud> clouds;               // none: `cloud` is where it is, or unused
  Use cloud, client, tenant;
  std::string_view fixed_api;  // where it is, if that is always the same
  Proof proof;
  std::string_view token_path = {};   // of Proof::Token
  std::string_view token_scope = {};  // behind the API's address
  std::string_view version_header = {}, version = {};
  std::string_view tenant_parameter = {};  // of queries
  std::string_view permission;  // what the credential must be allowed to do, for people
  std::span<const Listing> listings;
};

const Provider* find_provider(std::string_view name);

// "https://fleet.example:8443/base" for what an administrator wrote, with or without "https://";
// empty for what is no such place.
std::string place_of(std::string_view cloud);

}  // namespace aya::posture_providers
