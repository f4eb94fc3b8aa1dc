// Writes the kept inputs that are not text, one file for each kind of message, archive and frame:
// write_seeds tests/fuzz/corpus. Run it again when a format has changed.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cromt/v1/agent.pb.h"
#include "io/archive/writer.h"
#include "io/seglog/frame.h"
#include "io/wire/control.h"
#include "io/wire/journal.h"
#include "io/wire/plan.h"
#include "io/wire/session.h"
#include "io/wire/task.h"
#include "tests/unit/wire/populated.h"

namespace cromt::fuzz {
namespace {

namespace fs = std::filesystem;

void Write(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

// `kind` is the number of the message in wire_fuzz.cc.
template <class Proto, class Core>
void WriteMessage(const fs::path& folder, const std::string& name, char kind, const Core& value) {
  Proto proto;
  wire::ToProto(value, proto);
  Write(folder / name, kind + proto.SerializeAsString());
}

void WriteMessages(const fs::path& folder) {
  WriteMessage<v1::ToAgent>(folder, "to_agent", 0, wire::FullToAgent());
  WriteMessage<v1::FromAgent>(folder, "from_agent", 1, wire::FullFromAgent());
  int number = 0;
  for (const Work& work : wire::EveryWork())
    WriteMessage<v1::TaskSpec>(folder, "task_" + std::to_string(++number), 2, wire::FullSpec(work));
  WriteMessage<v1::Plan>(folder, "plan", 3, wire::FullPlan());
  number = 0;
  for (const JournalRecord& record : wire::EveryRecord())
    WriteMessage<v1::JournalRecord>(folder, "record_" + std::to_string(++number), 4, record);
  RunView run;
  run.header.id = RunId("run-1");
  run.header.project = "p";
  run.instances = {{"p", {}}, {"q", {0}}};
  run.tasks.resize(1);
  run.tasks[0].name = "title";
  run.tasks[0].host = "h";
  WriteMessage<v1::Run>(folder, "run", 5, run);
  WriteMessage<v1::Task>(folder, "task_view", 6, run.tasks[0]);
  v1::LogChunk chunk;
  wire::ToProto(LogPiece{.task = 1, .attempt = 2, .offset = 3, .data = "line\n\xFF"}, "run-1", chunk);
  Write(folder / "log_chunk", char(7) + chunk.SerializeAsString());
  WriteMessage<v1::Revision>(folder, "revision", 10,
                             RevisionView{.revision = 3, .file = "f", .path = "/f", .author = "a"});
  WriteMessage<v1::Artifact>(folder, "artifact", 11,
                             ArtifactView{.task_name = "t", .host = "h", .name = "n", .digest = wire::FullDigest()});
  number = 0;
  for (const AttemptResult& result : wire::EveryResult())
    WriteMessage<v1::AttemptResult>(folder, "result_" + std::to_string(++number), 9, result);
}

std::string Archive(const std::vector<std::pair<ArchiveEntry, std::string>>& entries) {
  std::string bytes;
  ArchiveWriter writer([&](std::string_view more) { return bytes.append(more), Status(); });
  for (const auto& [entry, data] : entries) {
    if (!writer.Add(entry) || (!data.empty() && !writer.Data(data))) std::abort();
  }
  if (!writer.Finish()) std::abort();
  return bytes;
}

void WriteArchives(const fs::path& folder) {
  Write(folder / "empty.tar", Archive({}));
  Write(folder / "tree.tar", Archive({{{"d", EntryKind::kDirectory, "", 0}, ""},
                                      {{"d/file", EntryKind::kFile, "", 3}, "abc"},
                                      {{"d/program", EntryKind::kExecutable, "", 10}, "#!/bin/sh\n"},
                                      {{"d/link", EntryKind::kSymlink, "../top", 0}, ""},
                                      {{"top", EntryKind::kFile, "", 0}, ""}}));
  Write(folder / "pax.tar", Archive({{{std::string(200, 'n'), EntryKind::kFile, "", 1}, "x"},
                                     {{"l", EntryKind::kSymlink, std::string(150, 't'), 0}, ""}}));
}

void WriteFrames(const fs::path& folder) {
  using namespace seglog;
  std::string frames, records;
  for (Stream stream : {Stream::kStdout, Stream::kStderr, Stream::kStep, Stream::kNote}) {
    EncodeFrame({stream, 7, frames.size(), 1'700'000'000'000'000, "a line of output\n"}, frames);
    EncodeRecord(stream, "a record\n", records);
  }
  EncodeFrame({Stream::kStdout, 8, 0, 0, ""}, frames);
  Write(folder / "frames", frames);
  Write(folder / "records", records);
  Write(folder / "cut", frames.substr(0, frames.size() - 1));
}

void WriteBlobLines(const fs::path& folder) {
  const auto line = [](const google::protobuf::MessageLite& message) {
    const std::string bytes = message.SerializeAsString();
    return std::string("CROMTB1\n\0\0\0", 11) + static_cast<char>(bytes.size()) + bytes;
  };
  v1::GetBlobRequest request;
  wire::ToProto(wire::FullDigest(), *request.mutable_digest());
  Write(folder / "request", line(request));
  request.set_offset(4);
  request.set_agent("a");
  request.mutable_ticket()->set_consumer("b");
  Write(folder / "later", line(request));
  request.set_offset(1 << 20);
  Write(folder / "beyond", line(request));
  v1::GetBlobAnswer answer;
  answer.set_refusal(v1::GetBlobAnswer::DENIED);
  answer.set_reason("not yours");
  Write(folder / "answer", line(answer));
  Write(folder / "longer", std::string("CROMTB1\n\xff\xff\xff\xff", 12));
}

}  // namespace
}  // namespace cromt::fuzz

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "write_seeds FOLDER\n"), 2;
  std::filesystem::path folder = argv[1];
  cromt::fuzz::WriteMessages(folder / "wire");
  cromt::fuzz::WriteArchives(folder / "archive");
  cromt::fuzz::WriteFrames(folder / "frames");
  cromt::fuzz::WriteBlobLines(folder / "blob_line");
}
