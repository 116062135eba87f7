// The chain of the audit log: it holds through everything the program itself does, and shows where
// somebody else has been at work.
#include "coord-server/store/audit_chain.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <future>

#include "coord-server/store/sqlite_backup.h"
#include "proto/base/hex.h"
#include "tests/coord-server/store/store_fixture.h"

namespace aya::store {
namespace {

using testing::IsEmpty;
using Break = AuditFault::Kind;

class AuditChain : public StoreFixture {
 protected:
  AuditChain() { make_account(); }  // which is line 1

  void write(int lines) {
    for (int i = 0; i < lines; ++i) ASSERT_TRUE(store->add_audit_entry(audit("UPDATE")));
  }

  // As by somebody with the sqlite3 shell, who knows how to get round the triggers.
  void tamper(const std::string& statements) {
    store.reset();
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(dir.file("coord.db").c_str(), &raw), SQLITE_OK);
    const std::string all =
        "DROP TRIGGER audit_is_append_only; DROP TRIGGER audit_is_kept;" + statements;
    char* why = nullptr;
    EXPECT_EQ(sqlite3_exec(raw, all.c_str(), nullptr, nullptr, &why), SQLITE_OK) << why;
    sqlite3_close(raw);
    open();
  }

  std::vector<std::pair<std::int64_t, Break>> faults(std::size_t at_once = 1000) {
    std::vector<std::pair<std::int64_t, Break>> out;
    for (std::int64_t reached = 0;;) {
      const auto walk = store->check_audit(account.id, reached, at_once);
      if (!walk) {
        ADD_FAILURE() << walk.error().to_text();
        return out;
      }
      for (const AuditFault& fault : walk->faults) out.emplace_back(fault.line, fault.kind);
      if (walk->at_end) return out;
      reached = walk->up_to;
    }
  }
};

TEST_F(AuditChain, HoldsForEveryAccountByItself) {
  const Account first = account;
  write(3);
  make_account("other");
  write(2);
  EXPECT_FALSE(store->create_user({{}, account.id, "alice", "", "owner", kNow}, audit()));
  account = first;
  write(1);
  open();
  write(1);
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_THAT(faults(2), IsEmpty());
  const auto walk = store->check_audit(account.id, 0, 100);
  EXPECT_EQ(walk->lines, 6u);
  const auto lines = store->audit_of_after(account.id, 0, 100);
  ASSERT_EQ(lines->size(), 6u);
  EXPECT_EQ(lines->back().hash, walk->hash);
  EXPECT_NE(lines->back().hash, lines->front().hash);
}

// Two programs at once, as when one is started while another one still ends.
TEST_F(AuditChain, HoldsWhenTwoWriteIt) {
  const AuditEntry entry = audit("UPDATE");
  const auto work = [&] {
    auto own = open_sqlite_store(dir.file("coord.db"));
    for (int i = 0; own && i < 25; ++i) {
      if (!(*own)->add_audit_entry(entry)) return false;
    }
    return own.has_value();
  };
  auto first = std::async(std::launch::async, work);
  auto second = std::async(std::launch::async, work);
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_EQ(store->check_audit(account.id, 0, 100)->lines, 51u);
}

struct Tampering {
  const char* name;
  const char* statements;  // upon lines 1 to 6
  std::vector<std::pair<std::int64_t, Break>> shows;
};

class Tampered : public AuditChain, public testing::WithParamInterface<Tampering> {};

TEST_P(Tampered, ShowsWhere) {
  write(5);
  tamper(GetParam().statements);
  EXPECT_EQ(faults(), GetParam().shows);
  EXPECT_EQ(faults(2), GetParam().shows) << "in pieces";
}

INSTANTIATE_TEST_SUITE_P(
    Lines, Tampered,
    testing::Values(
        Tampering{"Changed", "UPDATE audit_log SET new_value = '1' WHERE id = 3;",
                  {{3, Break::Changed}}},
        Tampering{"TextMovedToTheNextColumn",
                  "UPDATE audit_log SET action = '', target_type = action || target_type "
                  "WHERE id = 3;",
                  {{3, Break::Changed}}},
        Tampering{"TimeThatIsNone", "UPDATE audit_log SET time = 'never' WHERE id = 6;",
                  {{6, Break::Changed}}},
        Tampering{"HashThatIsNone", "UPDATE audit_log SET hash = x'00' WHERE id = 4;",
                  {{4, Break::Changed}, {5, Break::Misplaced}}},
        Tampering{"FirstRemoved", "DELETE FROM audit_log WHERE id = 1;", {{2, Break::Misplaced}}},
        Tampering{"Removed", "DELETE FROM audit_log WHERE id IN (3, 4);", {{5, Break::Misplaced}}},
        Tampering{"LastRemoved", "DELETE FROM audit_log WHERE id = 6;", {{5, Break::CutOff}}},
        Tampering{"AllRemoved", "DELETE FROM audit_log;", {{0, Break::CutOff}}},
        Tampering{"HeadRemoved", "DELETE FROM audit_heads;", {{6, Break::CutOff}}},
        Tampering{"Reordered",
                  "UPDATE audit_log SET id = 99 WHERE id = 3; UPDATE audit_log SET id = 3 WHERE "
                  "id = 4; UPDATE audit_log SET id = 4 WHERE id = 99;",
                  {{3, Break::Misplaced}, {4, Break::Misplaced}, {5, Break::Misplaced}}},
        Tampering{"Copied",
                  "INSERT INTO audit_log SELECT 99, account_id, time, origin, actor, action, "
                  "target_type, target_id, target_name, property, old_value, new_value, details, "
                  "event_group, source, prev_hash, hash FROM audit_log WHERE id = 2;",
                  {{99, Break::Misplaced}, {99, Break::CutOff}}}),
    [](const auto& param) { return param.param.name; });

// A fixed example, so that another program can be checked against it.
TEST(AuditHashes, AreOverLengthsAndTexts) {
  const std::string_view texts[] = {"2026-02-01T09:00:00Z", "", "ü"};
  EXPECT_EQ(
      to_hex(chained(kBeforeTheFirst, AccountId{7}, texts)),
      "c2611786acbb544c520b8e20deec87a61a227a7611d2e5fda5e36db6adc2a38e");
}

TEST_F(AuditChain, HoldsThroughBackupAndRestore) {
  write(3);
  ASSERT_TRUE(store->set_server_value("noise_key", "x"));
  ASSERT_TRUE(back_up(dir.file("coord.db"), dir.file("copy.db"), {{"config", "a"}}));
  write(2);
  store.reset();
  ASSERT_TRUE(restore_backup(dir.file("copy.db"), dir.file("coord.db")));
  open();
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_EQ(store->check_audit(account.id, 0, 100)->lines, 4u);
  write(1);
  EXPECT_THAT(faults(), IsEmpty());
}

}  // namespace
}  // namespace aya::store
