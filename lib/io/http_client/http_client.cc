#include "io/http_client/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <mutex>

namespace cromt {
namespace {

void InitOnce() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct HeaderList {
  curl_slist* list = nullptr;
  ~HeaderList() { curl_slist_free_all(list); }
};

// Where a body goes while a call runs.
struct Receiver {
  CURL* curl = nullptr;
  const HttpClient::Sink* sink = nullptr;
  std::string body;
  bool too_large = false;
  bool stopped = false;

  static size_t Write(char* bytes, size_t size, size_t count, void* self) {
    return static_cast<Receiver*>(self)->Take({bytes, size * count}) ? size * count : 0;
  }

 private:
  bool Take(std::string_view bytes) {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (sink && status / 100 == 2) {
      stopped = !(*sink)(bytes);
      return !stopped;
    }
    too_large = body.size() + bytes.size() > HttpClient::kMaxBody;
    if (!too_large) body += bytes;
    return !too_large;
  }
};

// Where a body comes from.
struct Sender {
  const HttpRequest::Source& source;
  bool stopped = false;

  static size_t Read(char* to, size_t size, size_t count, void* self) {
    Sender& sender = *static_cast<Sender*>(self);
    const std::optional<size_t> got = sender.source(to, size * count);
    sender.stopped = !got;
    return got.value_or(CURL_READFUNC_ABORT);
  }
};

// Whether a call is still wanted.
struct Asker {
  const std::function<bool()>& wanted;
  bool stopped = false;

  static int Ask(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    Asker& asker = *static_cast<Asker*>(self);
    asker.stopped = asker.stopped || !asker.wanted();
    return asker.stopped ? 1 : 0;
  }
};

void SetBody(CURL* curl, const HttpRequest& request, Sender& sender) {
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.source) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);  // PUT, in chunks
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &Sender::Read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &sender);
  } else if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
  }
}

}  // namespace

struct HttpClient::Handle {
  CURL* curl = nullptr;
  std::string socket;
  ~Handle() { curl_easy_cleanup(curl); }

  Result<HttpAnswer> Run(const HttpRequest& request, const Sink* sink);
};

HttpClient::HttpClient(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::ToSocket(const std::string& path) {
  InitOnce();
  auto handle = std::make_unique<Handle>();
  handle->curl = curl_easy_init();
  handle->socket = path;
  if (!handle->curl) return Fail(ErrorCode::kInternal, "libcurl has no handle");
  return HttpClient(std::move(handle));
}

Result<HttpAnswer> HttpClient::Handle::Run(const HttpRequest& request, const Sink* sink) {
  constexpr long kConnectMs = 5000;
  curl_easy_reset(curl);  // keeps the connection
  Receiver receiver{curl, sink, {}};
  HeaderList headers;
  for (const std::string& header : request.headers) headers.list = curl_slist_append(headers.list, header.c_str());
  headers.list = curl_slist_append(headers.list, "Expect:");  // no question before a body
  const std::string url = "http://localhost" + request.target;
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::chrono::duration_cast<milliseconds>(request.deadline).count()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Receiver::Write);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  Sender sender{request.source};
  SetBody(curl, request, sender);
  Asker asker{request.wanted};
  if (request.wanted) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Asker::Ask);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &asker);
  }
  const CURLcode done = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (done == CURLE_OK) return HttpAnswer{static_cast<int>(status), std::move(receiver.body)};
  if (receiver.stopped || sender.stopped || asker.stopped) return Fail(ErrorCode::kCanceled, "stopped");
  if (receiver.too_large) return Fail(ErrorCode::kExhausted, fmt::format("{}: an answer of more than 16 MiB", socket));
  const ErrorCode code = done == CURLE_OPERATION_TIMEDOUT ? ErrorCode::kTimeout : ErrorCode::kUnavailable;
  if (done != CURLE_COULDNT_CONNECT) return Fail(code, fmt::format("{}: {}", socket, curl_easy_strerror(done)));
  long system = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system);
  return tl::unexpected<Error>(Error{code, ErrnoError(socket, static_cast<int>(system)).message});
}

Result<HttpAnswer> HttpClient::Call(const HttpRequest& request) {
  return handle_->Run(request, nullptr);
}

Result<HttpAnswer> HttpClient::Stream(const HttpRequest& request, const Sink& sink) {
  return handle_->Run(request, &sink);
}

std::string HttpEscape(std::string_view text) {
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || kPlain.find(c) != kPlain.npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace cromt
