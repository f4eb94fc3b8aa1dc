// Checksums of rows: a CRC-32 over a table's letter and the types and values of a row's columns in their order, so over
// its key, too. It is the last column of its row, or a part of a total (stamp.h) only. SQLite checks neither.
// Against accidents, not against people.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "io/sqlite/database.h"

namespace cromt {

// What a sum is of. Part of the format.
enum class RowKind : char {
  kRunHead = 'h',    // of `runs`: what never changes
  kRunStatus = 'r',  // of `runs`: its number, and what does
  kPlan = 'p',
  kTask = 't',
  kTransition = 'x',
  kArtifact = 'a',
  kImage = 'i',
  kRevision = 'v',
  kText = 'f',  // of a revision
  kFile = 'n',
  kProject = 'j',
  kChange = 'c',
  kAgent = 'g',
  kLane = 'l',
  kKept = 'k',
  kSchedule = 'd',
  kTick = 'y',
  kPause = 'z',
  kTrigger = 'q',
  kDrained = 'o',
  kRemoved = 'm',
  kOutputRemoved = 'u',
};

class RowSum {
 public:
  explicit RowSum(RowKind kind) { buffer_[size_++] = static_cast<char>(kind); }
  RowSum& Add(int64_t value);
  RowSum& Add(std::string_view text);
  RowSum& AddBlob(std::string_view bytes);
  RowSum& AddNull();
  // Of the current row, as it is stored.
  RowSum& AddColumns(const sqlite::Statement& row, int first, int count);
  // Never 0, which says "no row". REQUIRES: called once, last.
  uint32_t Finish();

 private:
  void Put(std::string_view bytes);
  void PutSized(char type, std::string_view bytes);
  void Flush(std::string_view bytes);

  std::array<char, 256> buffer_{};
  size_t size_ = 0;
  uint32_t crc_ = 0;
};

// Whether the last of the columns [first, first + count) is the sum of those before it.
bool SumHolds(RowKind kind, const sqlite::Statement& row, int first, int count);

// A sum's part of a total. A total is the sum modulo 2^64 of the parts of all its rows: it can be kept while rows
// change, and shows one that is missing or older than the rest. Mixed, so that two changes do not make up for each
// other.
uint64_t Part(uint32_t sum);

// A statement that writes a row: its parameters in their order are the columns that are summed.
class SummedRow {
 public:
  SummedRow(sqlite::Statement& statement, RowKind kind) : statement_(statement), sum_(kind) {}
  SummedRow& Put(int64_t value);
  SummedRow& Put(std::string_view text);
  SummedRow& PutBlob(std::string_view bytes);
  template <class T>
  SummedRow& Put(const std::optional<T>& value) {
    return value ? Put(*value) : PutNull();
  }
  // The current value of another statement's column, as it is.
  SummedRow& PutColumn(const sqlite::Statement& row, int column);
  // Binds the sum as the next parameter and runs the statement.
  Result<uint32_t> Run();
  // Of a table without a column for it.
  Result<uint32_t> RunUnsummed();

 private:
  SummedRow& PutNull();

  sqlite::Statement& statement_;
  RowSum sum_;
  int next_ = 1;
};

}  // namespace cromt
