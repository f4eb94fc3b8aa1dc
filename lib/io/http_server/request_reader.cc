#include "io/http_server/request_reader.h"

#include <algorithm>
#include <functional>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace cromt::http {
namespace {

namespace beast = boost::beast;

constexpr std::string_view kNoRequest = "that is no request of HTTP/1.1";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

std::string Lower(beast::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

RequestReader::Problem ProblemOf(const beast::error_code& code) {
  using beast::http::error;
  if (code == error::header_limit) return {431, "the request's head is too large"};
  if (code == error::body_limit) return {413, "the request's body is too large"};
  if (code == error::bad_version) return {505, "HTTP/1.1 is spoken here"};
  return {400, kNoRequest};
}

}  // namespace

struct RequestReader::Parser {
  explicit Parser(const Limits& limits) {
    parser.header_limit(static_cast<uint32_t>(limits.head_bytes));
    parser.body_limit(limits.body_bytes);
    parser.eager(true);
    parser.on_chunk_header(begin_chunk);
  }
  beast::http::request_parser<beast::http::string_body> parser;
  decltype(Request::headers) headers;  // of the head: what trails a body is none, also where it has the name of one
  uint64_t chunk_left = 0;             // bytes of data that the chunk still has
  bool any_chunk = false;              // the next chunk's line comes after the line break that ends another's data
  bool last_chunk = false;             // its line has come; what trails it has not
  std::function<void(uint64_t, beast::string_view, beast::error_code&)> begin_chunk =
      [this](uint64_t size, beast::string_view, beast::error_code&) {
        chunk_left = size;
        any_chunk = true;
      };
};

RequestReader::RequestReader(const Limits& limits) : limits_(limits) {}
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;
RequestReader::~RequestReader() = default;

void RequestReader::Refuse(int status, std::string_view why) {
  state_ = State::kBad;
  problem_ = {status, why};
}

// Where what ends with `end` does, which is not before `from`; 0 as long as that has not come.
size_t RequestReader::EndOf(std::string_view bytes, std::string_view end, size_t from) {
  const size_t at = bytes.find(end, std::max(from, searched_ - std::min(searched_, end.size() - 1)));
  const bool whole = at != bytes.npos;
  searched_ = whole ? 0 : bytes.size();
  if (whole ? at + end.size() > limits_.head_bytes : bytes.size() >= limits_.head_bytes)
    Refuse(431, parser_ ? "a line of the request is too long" : "the request's head is too large");
  return whole && state_ != State::kBad ? at + end.size() : 0;
}

// Gives the parser as much as it takes, and says how much that was.
size_t RequestReader::Feed(std::string_view bytes) {
  auto& parser = parser_->parser;
  size_t taken = 0;
  while (taken < bytes.size() && !parser.is_done()) {
    beast::error_code error;
    const size_t more = parser.put(boost::asio::buffer(bytes.data() + taken, bytes.size() - taken), error);
    taken += more;
    if (error && error != beast::http::error::need_more) {
      problem_ = ProblemOf(error);
      state_ = State::kBad;
      return taken;
    }
    if (more == 0) break;
  }
  return taken;
}

// What stands between the data of chunks, each part as a whole and alone, as the head: a line with a chunk's size, and
// with the last chunk's all that trails it.
size_t RequestReader::FeedChunks(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && state_ != State::kBad && !parser_->parser.is_done()) {
    const std::string_view rest = bytes.substr(taken);
    const bool data = parser_->chunk_left > 0;
    const size_t part = data                  ? std::min<uint64_t>(parser_->chunk_left, rest.size())
                        : parser_->last_chunk ? EndOf(rest, kHeadEnd, 0)
                                              : EndOf(rest, kLineEnd, parser_->any_chunk ? kLineEnd.size() : 0);
    if (part == 0) break;
    const size_t fed = Feed(rest.substr(0, part));
    taken += fed;
    if (data) parser_->chunk_left -= fed;
    if (fed == part || state_ == State::kBad) continue;
    // The parser takes the last chunk's line only with what trails it.
    if (data || parser_->last_chunk || fed > 0) Refuse(400, kNoRequest);
    parser_->last_chunk = true;
  }
  return taken;
}

size_t RequestReader::Put(std::string_view bytes) {
  size_t taken = 0;
  if (!parser_) {
    // As a whole and alone: what the parser says of a part, or with what follows, depends on how it was cut.
    const size_t head = EndOf(bytes, kHeadEnd, 0);
    if (head == 0) return 0;
    parser_ = std::make_unique<Parser>(limits_);
    taken = Feed(bytes.substr(0, head));
    if (state_ == State::kBad) return taken;
    if (!parser_->parser.is_header_done() || taken != head) {
      Refuse(400, kNoRequest);
      return taken;
    }
    Check();
  }
  if (state_ == State::kBad) return taken;
  const std::string_view rest = bytes.substr(taken);
  taken += parser_->parser.chunked() ? FeedChunks(rest) : Feed(rest);
  if (state_ != State::kBad && parser_->parser.is_done()) state_ = State::kDone;
  return taken;
}

// What the parser lets pass; keeps the headers.
void RequestReader::Check() {
  state_ = State::kBody;
  const auto& head = parser_->parser.get();
  if (head.target().empty() || head.target().front() != '/') return Refuse(400, "the request's target is no path");
  if (head.version() >= 11 && head.count(beast::http::field::host) != 1)
    return Refuse(400, "a request has one Host header");
  const auto encodings = head.equal_range(beast::http::field::transfer_encoding);
  if (encodings.first != encodings.second &&
      (std::next(encodings.first) != encodings.second || Lower(encodings.first->value()) != "chunked"))
    return Refuse(501, "no transfer encoding but chunked is understood");
  for (const auto& field : head) parser_->headers.emplace_back(Lower(field.name_string()), View(field.value()));
}

bool RequestReader::wants_leave() const {
  return Lower(parser_->parser.get()[beast::http::field::expect]) == "100-continue";
}

size_t RequestReader::body_bytes() const {
  return parser_ ? parser_->parser.get().body().size() : 0;
}

bool RequestReader::keep_alive() const {
  return parser_->parser.get().keep_alive();
}

Request RequestReader::Take() {
  auto& message = parser_->parser.get();
  Request request;
  request.method = View(message.method_string());
  const std::string_view target = View(message.target());
  request.path = target.substr(0, target.find('?'));
  if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
  request.headers = std::move(parser_->headers);
  request.body = std::move(message.body());
  parser_.reset();
  state_ = State::kHead;
  return request;
}

}  // namespace cromt::http
