#include <charconv>

#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

RelayRegion read_relay_region(RowReader& row) {
  RelayRegion out;
  out.id = static_cast<RegionId>(row.integer());
  out.source = row.text();
  out.definition = row.text();
  return out;
}

RelayChoice read_relay_choice(RowReader& row) {
  RelayChoice out;
  out.id = static_cast<RegionId>(row.integer());
  out.off = row.flag();
  out.score = row.number();
  return out;
}

RelaySource read_relay_source(RowReader& row) {
  return {row.text(), row.optional_time(), row.text()};
}

// Exactly what it was when it is read again.
std::string number_column(double number) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  AYA_CHECK(error == std::errc());
  return {text.data(), end};
}

}  // namespace

Stored<std::vector<RelayRegion>> SqliteStore::relay_regions() {
  return all(
      read_relay_region, "region_id, source, definition",
      "relay_regions ORDER BY source, region_id", {});
}

Stored<std::vector<RelayChoice>> SqliteStore::relay_choices() {
  return all(read_relay_choice, "region_id, off, score", "relay_choices ORDER BY region_id", {});
}

Stored<std::vector<RelaySource>> SqliteStore::relay_sources() {
  return all(read_relay_source, "url, fetched, trouble", "relay_sources ORDER BY url", {});
}

Stored<void> SqliteStore::insert_relay_regions(const std::vector<RelayRegion>& regions) {
  for (const RelayRegion& region : regions) {
    auto put = db_.run(
        "INSERT OR REPLACE INTO relay_regions (region_id, source, definition) VALUES (?,?,?)",
        {region.id, region.source, region.definition});
    if (!put) return put;
  }
  return {};
}

Stored<void> SqliteStore::put_relay_regions(
    const std::vector<RelayRegion>& regions, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto put = insert_relay_regions(regions); !put) return put;
    return log(audit);
  });
}

Stored<void> SqliteStore::remove_relay_region(RegionId id, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = change_one("DELETE FROM relay_regions WHERE region_id = ? AND source = ''", {id});
    return gone ? log(audit) : gone;
  });
}

Stored<void> SqliteStore::set_relay_choice(const RelayChoice& choice, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto set = db_.run(
        "INSERT OR REPLACE INTO relay_choices (region_id, off, score) VALUES (?,?,?)",
        {choice.id, choice.off, number_column(choice.score)});
    return set ? log(audit) : set;
  });
}

Stored<void> SqliteStore::add_relay_source(const RelaySource& source, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto added = db_.run(
        "INSERT INTO relay_sources (url, fetched, trouble) VALUES (?,NULL,?)",
        {source.url, source.trouble});
    return added ? log(audit) : added;
  });
}

Stored<void> SqliteStore::remove_relay_source(const std::string& url, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto regions = db_.run("DELETE FROM relay_regions WHERE source = ?", {url});
    if (!regions) return regions;
    auto gone = change_one("DELETE FROM relay_sources WHERE url = ?", {url});
    return gone ? log(audit) : gone;
  });
}

Stored<void> SqliteStore::note_relay_source(
    const RelaySource& source, const std::optional<std::vector<RelayRegion>>& regions) {
  return db_.transaction<void>([&]() -> Stored<void> {
    const TimeColumn fetched(source.fetched);
    auto noted = change_one(
        "UPDATE relay_sources SET fetched = ?, trouble = ? WHERE url = ?",
        {fetched.value(), source.trouble, source.url});
    if (!noted || !regions) return noted;
    auto gone = db_.run("DELETE FROM relay_regions WHERE source = ?", {source.url});
    return gone ? insert_relay_regions(*regions) : gone;
  });
}

}  // namespace aya::store
