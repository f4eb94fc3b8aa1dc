// Fetching a blob from a holder that does what the test says: breaks off, lies, refuses, hangs.
#include "io/transfer/blob_fetcher.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "cromt/v1/agent.grpc.pb.h"
#include "io/rpc/server.h"
#include "io/transfer/blob_line_server.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Gives `bytes` from the wished offset on, but at most `per_call` of them a call, and then ends with `status`.
class Holder final : public v1::AgentService::Service {
 public:
  std::string bytes;
  size_t per_call = SIZE_MAX;
  grpc::Status status = grpc::Status::OK;
  bool hangs = false;
  int busy = 0;                  // so many calls are refused, since it serves others
  std::vector<int64_t> offsets;  // of the calls

  Holder() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Holder() override { server_->Shutdown(std::chrono::system_clock::now()); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  grpc::Status GetBlob(grpc::ServerContext* context, const v1::GetBlobRequest* request,
                       grpc::ServerWriter<v1::BlobChunk>* writer) override {
    offsets.push_back(request->offset());
    if (busy-- > 0) return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many"};
    v1::BlobChunk chunk;
    chunk.set_data(bytes.substr(static_cast<size_t>(request->offset()), per_call));
    writer->Write(chunk);
    while (hangs && !context->IsCancelled()) std::this_thread::yield();
    return static_cast<size_t>(request->offset()) + per_call < bytes.size() ? status : grpc::Status::OK;
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class BlobFetcherTest : public testing::Test {
 protected:
  BlobFetcherTest() {
    std::string pattern = testing::TempDir() + "/fetcher-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    store_ = *BlobStore::Open(dir_ + "/blobs");
    holder_.bytes = std::string(1000, 'x') + std::string(500, 'y');
  }
  ~BlobFetcherTest() override { fs::remove_all(dir_); }

  LeaseInput Input() {
    LeaseInput input{"x",          {"x", {Sha256Hex(holder_.bytes), 1500}, false, ""},
                     AgentId("a"), holder_.address(),
                     "hostA",      {AgentId("b"), Wall(seconds(1)), "t"}};
    return input;
  }
  // "" = it is in the store.
  std::string Fetch(const LeaseInput& input, BlobFetcher::Options options = {}) {
    BlobFetcher fetcher(*store_, options);
    std::promise<Status> done;
    fetcher.Fetch(input, [&](const Status& status) { done.set_value(status); });
    Status status = done.get_future().get();
    if (!status) return status.error().message;
    return store_->Has(input.artifact.digest) ? "" : "said to be here, and is not";
  }

  std::string dir_;
  std::unique_ptr<BlobStore> store_;
  Holder holder_;
};

TEST_F(BlobFetcherTest, AWholeBlob) {
  EXPECT_EQ(Fetch(Input()), "");
  EXPECT_THAT(holder_.offsets, ElementsAre(0));
  EXPECT_EQ(Fetch(Input()), "");  // it is there
  EXPECT_THAT(holder_.offsets, ElementsAre(0));
}

TEST_F(BlobFetcherTest, GoesOnWhereItBroke) {
  holder_.per_call = 400;
  holder_.status = {grpc::StatusCode::UNAVAILABLE, "broke"};
  EXPECT_EQ(Fetch(Input()), "");
  EXPECT_THAT(holder_.offsets, ElementsAre(0, 400, 800, 1200));
}

TEST_F(BlobFetcherTest, AnEndBeforeTheEndIsABreak) {
  holder_.per_call = 800;
  EXPECT_EQ(Fetch(Input()), "");
  EXPECT_THAT(holder_.offsets, ElementsAre(0, 800));
}

TEST_F(BlobFetcherTest, WhatBringsNothingIsGivenUp) {
  holder_.per_call = 0;
  holder_.status = {grpc::StatusCode::UNAVAILABLE, "broke"};
  EXPECT_EQ(Fetch(Input()), "artifact 'x' of hostA (" + holder_.address() + "): broke");
  EXPECT_THAT(holder_.offsets, ElementsAre(0, 0, 0));
}

TEST_F(BlobFetcherTest, AHolderThatServesOthersIsAskedUntilItsTurnComes) {
  holder_.busy = 4;
  EXPECT_EQ(Fetch(Input()), "");
  EXPECT_THAT(holder_.offsets, ElementsAre(0, 0, 0, 0, 0));
  holder_.bytes[0] = 'z';
  holder_.offsets.clear();
  holder_.busy = 100;
  BlobFetcher::Options options;
  options.limits.turn = seconds(0);
  EXPECT_THAT(Fetch(Input(), options), HasSubstr("too many"));
  EXPECT_THAT(holder_.offsets, ElementsAre(0, 0, 0));
}

TEST_F(BlobFetcherTest, ARefusalIsFinal) {
  holder_.per_call = 0;
  holder_.status = {grpc::StatusCode::PERMISSION_DENIED, "not yours"};
  EXPECT_THAT(Fetch(Input()), HasSubstr("not yours"));
  EXPECT_THAT(holder_.offsets, ElementsAre(0));
}

TEST_F(BlobFetcherTest, OtherBytesAreNotTaken) {
  LeaseInput input = Input();
  holder_.bytes[700] = '!';
  EXPECT_THAT(Fetch(input), HasSubstr("expected was"));
  EXPECT_THAT(*store_->List(), IsEmpty());
}

TEST_F(BlobFetcherTest, MoreBytesAreNotTaken) {
  LeaseInput input = Input();
  holder_.bytes += "more";
  EXPECT_THAT(Fetch(input), HasSubstr("more bytes came than the artifact has"));
  EXPECT_THAT(*store_->List(), IsEmpty());
}

// It has begun, and then nothing comes for as long as the limit says; the next call goes on and hangs as well.
TEST_F(BlobFetcherTest, AHolderThatHangsIsLeft) {
  holder_.per_call = 400;
  holder_.hangs = true;
  BlobFetcher::Options options;
  options.stall = options.first_byte = milliseconds(200);
  EXPECT_EQ(Fetch(Input(), options), "");
  EXPECT_THAT(holder_.offsets, ElementsAre(0, 400, 800, 1200));
}

TEST_F(BlobFetcherTest, NobodyListensThere) {
  LeaseInput input = Input();
  input.address = "127.0.0.1:1";
  EXPECT_THAT(Fetch(input), StartsWith("artifact 'x' of hostA (127.0.0.1:1): "));
}

TEST_F(BlobFetcherTest, AskedTwiceItIsFetchedOnce) {
  std::vector<std::promise<Status>> done(20);
  BlobFetcher fetcher(*store_, {});
  for (auto& one : done) fetcher.Fetch(Input(), [&one](const Status& status) { one.set_value(status); });
  for (auto& one : done) EXPECT_TRUE(one.get_future().get());
  EXPECT_LE(holder_.offsets.size(), 2u);  // the second, if the first was done by then, finds it in the store
}

// One that gives so little, however often, is not waited for until the end of time.
TEST_F(BlobFetcherTest, ABlobThatComesTooSlowlyIsGivenUp) {
  holder_.per_call = 1;
  holder_.status = {grpc::StatusCode::UNAVAILABLE, "broke"};
  BlobFetcher::Options options;
  options.limits.whole = milliseconds(300);
  EXPECT_EQ(Fetch(Input(), options),
            "artifact 'x' of hostA (" + holder_.address() + "): it has not all come within 300ms");
}

TEST_F(BlobFetcherTest, OneHolderThatHangsHoldsUpNobodyElse) {
  holder_.per_call = 400;
  holder_.hangs = true;
  Holder other;
  other.bytes = holder_.bytes;
  BlobFetcher fetcher(*store_, {});
  for (size_t i = 0; i < FetchLine::kAtOnce + 3; ++i) {
    LeaseInput input = Input();
    input.artifact.digest.sha256 = Sha256Hex(std::to_string(i));
    fetcher.Fetch(input, [](const Status&) {});
  }
  LeaseInput input = Input();
  input.holder = AgentId("other");
  input.address = other.address();
  std::promise<Status> done;
  fetcher.Fetch(input, [&](const Status& status) { done.set_value(status); });
  auto fetched = done.get_future();
  ASSERT_EQ(fetched.wait_for(seconds(20)), std::future_status::ready);  // less than a hanging one is given
  EXPECT_TRUE(fetched.get());
}

// A holder of today: gRPC and the blob line on one port.
class BothHolder {
 public:
  BothHolder(Holder& grpc, const std::string& file)
      : file_(file),
        line_([this](const BlobLineServer::Caller&, const v1::GetBlobRequest& request) { return Open(request); }, {}),
        server_(*rpc::Server::Start(
            {&grpc},
            {{.address = "127.0.0.1:0",
              .beside = {kBlobLineHello.front(), [this](UniqueFd fd) { line_.Take(std::move(fd)); }}}},
            [](const std::string&) {})) {}
  ~BothHolder() { server_.reset(); }
  std::string address() const { return server_->addresses().front(); }
  int64_t most = INT64_MAX;      // so many bytes a request
  std::vector<int64_t> offsets;  // of the requests; they come one after the other

 private:
  Result<BlobLineServer::Blob> Open(const v1::GetBlobRequest& request) {
    offsets.push_back(request.offset());
    const auto size = static_cast<int64_t>(fs::file_size(file_));
    return BlobLineServer::Blob{UniqueFd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC)), request.offset(),
                                std::min(size, most < size ? request.offset() + most : size), nullptr};
  }
  const std::string file_;
  BlobLineServer line_;
  std::unique_ptr<rpc::Server> server_;
};

TEST_F(BlobFetcherTest, WhoKnowsTheBlobLineIsAskedByItOnly) {
  std::ofstream(dir_ + "/x") << holder_.bytes;
  BothHolder both(holder_, dir_ + "/x");
  both.most = 400;
  LeaseInput input = Input();
  input.address = both.address();
  EXPECT_EQ(Fetch(input), "");
  EXPECT_THAT(both.offsets, ElementsAre(0, 400, 800, 1200));
  EXPECT_THAT(holder_.offsets, IsEmpty());
}

TEST_F(BlobFetcherTest, ItsEndBreaksOffWhatIsUnderWay) {
  holder_.per_call = 400;
  holder_.hangs = true;
  std::promise<Status> done;
  {
    BlobFetcher fetcher(*store_, {});
    fetcher.Fetch(Input(), [&](const Status& status) { done.set_value(status); });
  }
  EXPECT_FALSE(done.get_future().get());
}

}  // namespace
}  // namespace cromt
