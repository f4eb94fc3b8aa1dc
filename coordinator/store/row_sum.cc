#include "coordinator/store/row_sum.h"

#include <zlib.h>

#include <cstring>

namespace cromt {

RowSum& RowSum::Add(int64_t value) {
  std::array<char, 9> bytes{'i'};
  auto rest = static_cast<uint64_t>(value);
  for (size_t i = 1; i < bytes.size(); ++i, rest >>= 8) bytes.at(i) = static_cast<char>(rest & 0xFF);
  Put({bytes.data(), bytes.size()});
  return *this;
}

RowSum& RowSum::Add(std::string_view text) {
  PutSized('t', text);
  return *this;
}

RowSum& RowSum::AddBlob(std::string_view bytes) {
  PutSized('b', bytes);
  return *this;
}

RowSum& RowSum::AddNull() {
  Put("n");
  return *this;
}

RowSum& RowSum::AddColumns(const sqlite::Statement& row, int first, int count) {
  using Type = sqlite::Statement::Type;
  for (int column = first; column < first + count; ++column) {
    switch (row.TypeOf(column)) {
      case Type::kInteger: Add(row.Int(column)); break;
      case Type::kText: Add(row.Text(column)); break;
      case Type::kBlob: AddBlob(row.Blob(column)); break;
      case Type::kNull: AddNull(); break;
      case Type::kReal: PutSized('r', row.Text(column)); break;  // we write none
    }
  }
  return *this;
}

uint32_t RowSum::Finish() {
  Flush({});
  return crc_ == 0 ? 1 : crc_;
}

void RowSum::PutSized(char type, std::string_view bytes) {
  std::array<char, 5> head{type};
  auto rest = static_cast<uint32_t>(bytes.size());
  for (size_t i = 1; i < head.size(); ++i, rest >>= 8) head.at(i) = static_cast<char>(rest & 0xFF);
  Put({head.data(), head.size()});
  Put(bytes);
}

void RowSum::Put(std::string_view bytes) {
  if (size_ + bytes.size() > buffer_.size()) return Flush(bytes);
  std::memcpy(buffer_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

// One call for many small columns: the first of its bytes are the dear ones.
void RowSum::Flush(std::string_view bytes) {
  auto take = [this](std::string_view part) {
    crc_ = static_cast<uint32_t>(crc32_z(crc_, reinterpret_cast<const Bytef*>(part.data()), part.size()));
  };
  take({buffer_.data(), size_});
  size_ = 0;
  if (!bytes.empty()) take(bytes);
}

bool SumHolds(RowKind kind, const sqlite::Statement& row, int first, int count) {
  const int last = first + count - 1;
  return row.TypeOf(last) == sqlite::Statement::Type::kInteger &&
         row.Int(last) == int64_t{RowSum(kind).AddColumns(row, first, count - 1).Finish()};
}

// The finalizer of SplitMix64.
uint64_t Part(uint32_t sum) {
  uint64_t z = sum + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

SummedRow& SummedRow::Put(int64_t value) {
  sum_.Add(value);
  statement_.Bind(next_++, value);
  return *this;
}

SummedRow& SummedRow::Put(std::string_view text) {
  sum_.Add(text);
  statement_.Bind(next_++, text);
  return *this;
}

SummedRow& SummedRow::PutBlob(std::string_view bytes) {
  sum_.AddBlob(bytes);
  statement_.BindBlob(next_++, bytes);
  return *this;
}

SummedRow& SummedRow::PutColumn(const sqlite::Statement& row, int column) {
  switch (row.TypeOf(column)) {
    case sqlite::Statement::Type::kInteger: return Put(row.Int(column));
    case sqlite::Statement::Type::kBlob: return PutBlob(row.Blob(column));
    case sqlite::Statement::Type::kNull: return PutNull();
    default: return Put(row.Text(column));
  }
}

SummedRow& SummedRow::PutNull() {
  sum_.AddNull();
  statement_.BindNull(next_++);
  return *this;
}

Result<uint32_t> SummedRow::Run() {
  const uint32_t sum = sum_.Finish();
  CROMT_TRY(statement_.Bind(next_, int64_t{sum}).Run());
  return sum;
}

Result<uint32_t> SummedRow::RunUnsummed() {
  CROMT_TRY(statement_.Run());
  return sum_.Finish();
}

}  // namespace cromt
