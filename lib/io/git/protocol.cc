#include "io/git/protocol.h"

#include <algorithm>
#include <type_traits>

#include "base/bytes.h"

namespace cromt::git {

namespace {

// Each struct's fields once, for both directions: Fields(struct, visit) calls visit on every field.
template <class T, class Visit>
void Fields(T& m, Visit&& visit) {
  using M = std::remove_const_t<T>;
  if constexpr (std::is_same_v<M, FetchRequest>) {
    visit(m.url), visit(m.shown), visit(m.ref), visit(m.commit), visit(m.mirror), visit(m.rebuild);
    visit(m.user), visit(m.password), visit(m.login_of), visit(m.ca_file);
    visit(m.host), visit(m.by_ssh), visit(m.port), visit(m.ssh_keys), visit(m.known_hosts);
    visit(m.max_memory_bytes), visit(m.max_pack_bytes), visit(m.unpack_ms), visit(m.max_objects), visit(m.max_packs),
        visit(m.timeout_s);
  } else if constexpr (std::is_same_v<M, ListRequest>) {
    Fields(m.of, visit);
  } else if constexpr (std::is_same_v<M, PackRequest>) {
    visit(m.shown), visit(m.mirror), visit(m.commit), visit(m.max_files), visit(m.max_tree_bytes);
    visit(m.max_memory_bytes), visit(m.timeout_s);
  } else if constexpr (std::is_same_v<M, Progress>) {
    visit(m.received_bytes), visit(m.received_objects), visit(m.total_objects);
  } else if constexpr (std::is_same_v<M, Chunk>) {
    visit(m.bytes);
  } else if constexpr (std::is_same_v<M, Fetched>) {
    visit(m.commit), visit(m.branch);
  } else if constexpr (std::is_same_v<M, Packed>) {
    visit(m.submodules);
  } else if constexpr (std::is_same_v<M, Failed>) {
    visit(m.error.code), visit(m.error.message);
  }
}

struct Put {
  ByteWriter& out;
  void operator()(const std::string& v) { out.Text(v); }
  void operator()(bool v) { out.U8(v); }
  void operator()(int64_t v) { out.I64(v); }
  void operator()(uint32_t v) { out.U32(v); }
  void operator()(ErrorCode v) { out.U8(static_cast<uint8_t>(v)); }
  void operator()(const std::vector<std::string>& v) {
    out.U32(static_cast<uint32_t>(v.size()));
    for (const auto& text : v) out.Text(text);
  }
  void operator()(const std::vector<Submodule>& v) {
    out.U32(static_cast<uint32_t>(v.size()));
    for (const auto& module : v) out.Text(module.path), out.Text(module.commit), out.Text(module.url);
  }
};

struct Get {
  ByteReader& in;
  void operator()(std::string& v) { v = in.Text(); }
  void operator()(bool& v) { v = in.U8() != 0; }
  void operator()(int64_t& v) { v = in.I64(); }
  void operator()(uint32_t& v) { v = in.U32(); }
  void operator()(ErrorCode& v) {
    v = static_cast<ErrorCode>(std::min<uint8_t>(in.U8(), static_cast<uint8_t>(ErrorCode::kInternal)));
  }
  void operator()(std::vector<std::string>& v) {
    for (uint32_t n = in.U32(); n > 0 && in.ok(); --n) v.emplace_back(in.Text());
  }
  void operator()(std::vector<Submodule>& v) {
    for (uint32_t n = in.U32(); n > 0 && in.ok(); --n) {
      Submodule& module = v.emplace_back();
      module.path = in.Text(), module.commit = in.Text(), module.url = in.Text();
    }
  }
};

template <class Variant>
std::string EncodeFrame(const Variant& message) {
  std::string body;
  ByteWriter writer(body);
  writer.U8(static_cast<uint8_t>(message.index()));
  std::visit([&](const auto& m) { Fields(m, Put{writer}); }, message);
  std::string frame;
  ByteWriter(frame).U32(static_cast<uint32_t>(body.size()));
  return frame + body;
}

// The alternative of Variant with this index, its fields read; false for an unknown index.
template <class Variant, size_t I = 0>
bool Decode(size_t index, ByteReader& reader, Variant& out) {
  if constexpr (I == std::variant_size_v<Variant>) {
    return false;
  } else {
    if (index != I) return Decode<Variant, I + 1>(index, reader, out);
    Fields(out.template emplace<I>(), Get{reader});
    return true;
  }
}

template <class Variant>
Result<std::optional<Variant>> TakeFrame(std::string& in) {
  if (in.size() < 4) return std::optional<Variant>();
  const uint32_t size = ByteReader(in).U32();
  if (size == 0 || size > kMaxFrameBytes) return Fail(ErrorCode::kInternal, "git helper: a frame of bad length");
  if (in.size() - 4 < size) return std::optional<Variant>();
  ByteReader reader(std::string_view(in).substr(4, size));
  Variant message;
  const uint8_t kind = reader.U8();
  if (!Decode(kind, reader, message) || !reader.done())
    return Fail(ErrorCode::kInternal, "git helper: a malformed frame");
  in.erase(0, size + 4);
  return std::optional<Variant>(std::move(message));
}

}  // namespace

std::string Encode(const Request& request) {
  return EncodeFrame(request);
}
std::string Encode(const Reply& reply) {
  return EncodeFrame(reply);
}
Result<std::optional<Request>> TakeRequest(std::string& in) {
  return TakeFrame<Request>(in);
}
Result<std::optional<Reply>> TakeReply(std::string& in) {
  return TakeFrame<Reply>(in);
}

}  // namespace cromt::git
