// Messages of the mesh, from bytes. The first byte says which message the rest is. What is accepted is written as a
// message that is accepted again and written the same: nothing is lost or changed on the way from peer to peer. What
// is refused says why.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

#include <iterator>

#include "io/wire/check.h"
#include "io/wire/control.h"
#include "io/wire/journal.h"
#include "io/wire/plan.h"
#include "io/wire/session.h"
#include "io/wire/task.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

// Bytes that are always the same for the same message, maps included.
std::string Bytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  out.Trim();
  return bytes;
}

template <class Proto, class Core>
std::string Written(const Core& value) {
  Proto proto;
  wire::ToProto(value, proto);
  return Bytes(proto);
}

template <class Core>
void DropUnread(Core&) {}
// Nobody sends what could not be read.
void DropUnread(ToAgent& message) {
  for (const Lease& lease : message.leases) {
    Require((lease.spec == nullptr) == !lease.wrong.empty(), "a lease has a task or says what is wrong");
    if (!lease.spec) RequireRefusal({ErrorCode::kInvalid, lease.wrong});
  }
  std::erase_if(message.leases, [](const Lease& lease) { return !lease.spec; });
}

// The message in `bytes`, if the other side accepts it.
template <class Proto>
auto Read(std::string_view bytes) {
  Proto proto;
  bool is_message = proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  auto value = is_message ? wire::FromProto(proto) : Fail(ErrorCode::kInvalid, "no message");
  if (!value) RequireRefusal(value.error());
  if (value) DropUnread(*value);
  return value;
}

template <class Proto>
void Check(std::string_view bytes) {
  auto value = Read<Proto>(bytes);
  if (!value) return;
  std::string once = Written<Proto>(*value);
  auto again = Read<Proto>(once);
  Require(again.has_value(), "what is accepted is accepted again", again ? "" : again.error().message);
  Require(Written<Proto>(*again) == once, "and written the same");
}

void CheckTask(std::string_view bytes) {
  Check<v1::TaskSpec>(bytes);
  auto spec = Read<v1::TaskSpec>(bytes);
  if (!spec) return;
  Require(wire::Check(*spec).has_value(), "an accepted task passes Check");
  Require(Written<v1::TaskSpec>(*spec).size() <= wire::EncodedBound(*spec), "the bound of a task's size holds");
}

void CheckToAgent(std::string_view bytes) {
  Check<v1::ToAgent>(bytes);
  auto message = Read<v1::ToAgent>(bytes);
  if (!message) return;
  size_t leases = 0;
  for (const v1::ToAgent& part : wire::Split(*message)) {
    std::string sent = Bytes(part);
    Require(sent.size() <= wire::kMaxMessageBytes, "a part fits into a message");
    auto read = Read<v1::ToAgent>(sent);
    Require(read.has_value(), "a part is accepted", read ? "" : read.error().message);
    leases += read->leases.size();
  }
  Require(leases == message->leases.size(), "the parts hold every lease");
}

void CheckLogChunk(std::string_view bytes) {
  v1::LogChunk proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  std::string run = proto.attempt().run();
  v1::LogChunk written;
  wire::ToProto(wire::PieceFromProto(proto), run, written);
  v1::LogChunk copy = written;
  v1::LogChunk again;
  wire::ToProto(wire::PieceFromProto(copy), run, again);
  Require(Bytes(again) == Bytes(written), "a piece of a log stays what it is");
}

// For what only people read: there is nothing to refuse.
template <class Proto>
void CheckView(std::string_view bytes) {
  Proto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  std::string once = Written<Proto>(wire::FromProto(proto));
  Proto copy;
  Require(copy.ParseFromString(once), "what is written is a message");
  Require(Written<Proto>(wire::FromProto(copy)) == once, "a view stays what it is");
}

// Their order is that of the kept inputs: append only.
constexpr void (*kChecks[])(std::string_view) = {CheckToAgent,
                                                 Check<v1::FromAgent>,
                                                 CheckTask,
                                                 Check<v1::Plan>,
                                                 Check<v1::JournalRecord>,
                                                 Check<v1::Run>,
                                                 Check<v1::Task>,
                                                 CheckLogChunk,
                                                 CheckView<v1::ListAgentsResponse::Agent>,
                                                 Check<v1::AttemptResult>,
                                                 CheckView<v1::Revision>,
                                                 Check<v1::Artifact>};

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  if (size == 0) return 0;
  google::protobuf::LogSilencer silence;  // of strings that are not UTF-8
  kChecks[data[0] % std::size(kChecks)](Text(data + 1, size - 1));
  return 0;
}
