#include "agent/launcher/protocol.h"

#include <fmt/format.h>

#include <cstring>

#include "base/bytes.h"

namespace cromt::launcher {
namespace {

// On the wire; never renumbered.
enum class Type : uint8_t {
  kAgentHello = 1,
  kStart = 2,
  kStop = 3,
  kForget = 4,
  kShutdown = 5,
  kLauncherHello = 65,
  kKnown = 66,
  kReady = 67,
  kStarted = 68,
  kEnded = 69,
  kLogEnd = 70,
  kTrouble = 71,
};

void Put(ByteWriter& out, const Hello& m) {
  out.U32(m.version);
  out.Text(m.incarnation);
  out.U32(m.pid);
  out.U64(m.log_end);
  if (m.level > 1) out.U32(m.level);
}

void Put(ByteWriter& out, const std::vector<std::string>& texts) {
  out.U32(static_cast<uint32_t>(texts.size()));
  for (const std::string& text : texts) out.Text(text);
}

void Put(ByteWriter& out, const Start& m) {
  out.U64(m.log_id);
  out.Text(m.mark);
  Put(out, m.argv);
  Put(out, m.env);
  out.Text(m.cwd);
  out.U32(m.slot);
  out.U64(m.timeout_us);
  out.U64(m.grace_us);
  out.I64(m.log_limit_bytes);
  out.U8(m.records ? 1 : 0);
  if (m.level() < 2) return;
  out.U64(m.limits.memory_bytes);
  out.U32(m.limits.cpu_permille);
  out.U32(m.limits.pids);
  out.U8(m.become ? 1 : 0);
  if (m.become) {
    out.U32(m.become->uid);
    out.U32(m.become->gid);
    out.U32(static_cast<uint32_t>(m.become->groups.size()));
    for (const uint32_t group : m.become->groups) out.U32(group);
  }
  out.U8(static_cast<uint8_t>(m.sandbox));
  Put(out, m.writable);
  Put(out, m.readable);
  if (m.level() >= 3) Put(out, m.secrets);
}

void Put(ByteWriter& out, const Started& m) {
  out.U64(m.log_id);
  out.U32(m.pid);
  out.I64(m.wall_us);
  out.U64(m.log_begin);
}

void Put(ByteWriter& out, const Ended& m) {
  out.U64(m.log_id);
  out.U8(static_cast<uint8_t>(m.cause));
  out.U32(static_cast<uint32_t>(m.exit_code));
  out.U32(static_cast<uint32_t>(m.signal));
  out.U32(static_cast<uint32_t>(m.spawn_errno));
  out.I64(m.started_wall_us);
  out.I64(m.ended_wall_us);
  out.U64(m.log_begin);
  out.U64(m.log_end);
  out.I64(m.log_bytes);
  if (!m.out_of_memory && m.reason.empty()) return;
  out.U8(m.out_of_memory ? 1 : 0);
  out.Text(m.reason);
}

void Put(ByteWriter& out, const Known& m) {
  Put(out, m.started);
  out.U8(m.ended ? 1 : 0);
  if (m.ended) Put(out, *m.ended);
}

void Put(ByteWriter& out, const Stop& m) {
  out.U64(m.log_id);
}
void Put(ByteWriter& out, const Forget& m) {
  out.U64(m.log_id);
}
void Put(ByteWriter& out, const LogEnd& m) {
  out.U64(m.position);
}
void Put(ByteWriter& out, const Trouble& m) {
  out.Text(m.text);
}
void Put(ByteWriter&, const Shutdown&) {}
void Put(ByteWriter&, const Ready&) {}

Hello GetHello(ByteReader& in) {
  Hello m;
  m.version = in.U32();
  m.incarnation = in.Text();
  m.pid = in.U32();
  m.log_end = in.U64();
  if (in.more()) m.level = in.U32();
  return m;
}

// Every text takes four bytes at least, so a false count ends with the bytes of the frame.
std::vector<std::string> GetTexts(ByteReader& in) {
  std::vector<std::string> texts;
  for (uint32_t count = in.U32(); count > 0 && in.ok(); --count) texts.emplace_back(in.Text());
  return texts;
}

std::optional<JobUser> GetUser(ByteReader& in) {
  if (in.U8() == 0) return std::nullopt;
  JobUser user;
  user.uid = in.U32();
  user.gid = in.U32();
  for (uint32_t count = in.U32(); count > 0 && in.ok(); --count) user.groups.push_back(in.U32());
  return user;
}

Start GetStart(ByteReader& in) {
  Start m;
  m.log_id = in.U64();
  m.mark = in.Text();
  m.argv = GetTexts(in);
  m.env = GetTexts(in);
  m.cwd = in.Text();
  m.slot = in.U32();
  m.timeout_us = in.U64();
  m.grace_us = in.U64();
  m.log_limit_bytes = in.I64();
  m.records = in.U8() != 0;
  if (!in.more()) return m;
  m.limits.memory_bytes = in.U64();
  m.limits.cpu_permille = in.U32();
  m.limits.pids = in.U32();
  m.become = GetUser(in);
  m.sandbox = static_cast<Sandbox>(in.U8());
  m.writable = GetTexts(in);
  m.readable = GetTexts(in);
  if (in.more()) m.secrets = GetTexts(in);
  return m;
}

Started GetStarted(ByteReader& in) {
  Started m;
  m.log_id = in.U64();
  m.pid = in.U32();
  m.wall_us = in.I64();
  m.log_begin = in.U64();
  return m;
}

Ended GetEnded(ByteReader& in) {
  Ended m;
  m.log_id = in.U64();
  m.cause = static_cast<Ended::Cause>(in.U8());
  m.exit_code = static_cast<int32_t>(in.U32());
  m.signal = static_cast<int32_t>(in.U32());
  m.spawn_errno = static_cast<int32_t>(in.U32());
  m.started_wall_us = in.I64();
  m.ended_wall_us = in.I64();
  m.log_begin = in.U64();
  m.log_end = in.U64();
  m.log_bytes = in.I64();
  if (!in.more()) return m;
  m.out_of_memory = in.U8() != 0;
  m.reason = in.Text();
  return m;
}

bool IsCause(const Ended& m) {
  return m.cause <= Ended::Cause::kNotSpawned;
}

Known GetKnown(ByteReader& in) {
  Known m;
  m.started = GetStarted(in);
  if (in.U8() != 0) m.ended = GetEnded(in);
  return m;
}

Type TypeOf(const ToLauncher& message) {
  return static_cast<Type>(message.index() + 1);
}
Type TypeOf(const FromLauncher& message) {
  constexpr Type kTypes[] = {Type::kLauncherHello, Type::kKnown,  Type::kReady,  Type::kStarted,
                             Type::kEnded,         Type::kLogEnd, Type::kTrouble};
  static_assert(std::size(kTypes) == std::variant_size_v<FromLauncher>);
  return kTypes[message.index()];
}

template <class Message>
void EncodeMessage(const Message& message, std::string& out) {
  size_t begin = out.size();
  ByteWriter writer(out);
  writer.U32(0);
  writer.U8(static_cast<uint8_t>(TypeOf(message)));
  std::visit([&](const auto& m) { Put(writer, m); }, message);
  uint32_t length = static_cast<uint32_t>(out.size() - begin - sizeof(uint32_t));
  std::memcpy(out.data() + begin, &length, sizeof length);
}

struct RawFrame {
  Type type = Type::kReady;
  std::string_view body;
};

// nullopt: `in` holds only part of a frame.
Result<std::optional<RawFrame>> TakeFrame(std::string_view& in) {
  ByteReader reader(in);
  uint32_t length = reader.U32();
  if (!reader.ok()) return std::optional<RawFrame>();
  if (length < 1 || length > kMaxFrameBytes)
    return Fail(ErrorCode::kCorrupt, fmt::format("impossible length {} of a launcher message", length));
  if (in.size() < sizeof length + length) return std::optional<RawFrame>();
  RawFrame frame{static_cast<Type>(reader.U8()), in.substr(sizeof length + 1, length - 1)};
  in.remove_prefix(sizeof length + length);
  return std::optional<RawFrame>(frame);
}

tl::unexpected<Error> BadBody(Type type) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("launcher message of type {} is unknown or does not fit its body", static_cast<int>(type)));
}

}  // namespace

void Encode(const ToLauncher& message, std::string& out) {
  EncodeMessage(message, out);
}
void Encode(const FromLauncher& message, std::string& out) {
  EncodeMessage(message, out);
}

Result<std::optional<ToLauncher>> DecodeToLauncher(std::string_view& in) {
  CROMT_ASSIGN(std::optional<RawFrame> frame, TakeFrame(in));
  if (!frame) return std::optional<ToLauncher>();
  ByteReader body(frame->body);
  ToLauncher message;
  bool valid = true;
  switch (frame->type) {
    case Type::kAgentHello: message = GetHello(body); break;
    case Type::kStart: {
      Start start = GetStart(body);
      valid = start.sandbox <= Sandbox::kStrict;
      message = std::move(start);
      break;
    }
    case Type::kStop: message = Stop{body.U64()}; break;
    case Type::kForget: message = Forget{body.U64()}; break;
    case Type::kShutdown: message = Shutdown{}; break;
    default: return BadBody(frame->type);
  }
  if (!valid || !body.done()) return BadBody(frame->type);
  return std::optional<ToLauncher>(std::move(message));
}

Result<std::optional<FromLauncher>> DecodeFromLauncher(std::string_view& in) {
  CROMT_ASSIGN(std::optional<RawFrame> frame, TakeFrame(in));
  if (!frame) return std::optional<FromLauncher>();
  ByteReader body(frame->body);
  FromLauncher message;
  bool valid = true;
  switch (frame->type) {
    case Type::kLauncherHello: message = GetHello(body); break;
    case Type::kKnown: {
      Known known = GetKnown(body);
      valid = !known.ended || IsCause(*known.ended);
      message = known;
      break;
    }
    case Type::kReady: message = Ready{}; break;
    case Type::kStarted: message = GetStarted(body); break;
    case Type::kEnded: {
      Ended ended = GetEnded(body);
      valid = IsCause(ended);
      message = ended;
      break;
    }
    case Type::kLogEnd: message = LogEnd{body.U64()}; break;
    case Type::kTrouble: message = Trouble{std::string(body.Text())}; break;
    default: return BadBody(frame->type);
  }
  if (!valid || !body.done()) return BadBody(frame->type);
  return std::optional<FromLauncher>(std::move(message));
}

Result<std::vector<FromLauncher>> DecodeAllFromLauncher(std::string_view& in) {
  std::vector<FromLauncher> messages;
  while (true) {
    CROMT_ASSIGN(std::optional<FromLauncher> message, DecodeFromLauncher(in));
    if (!message) return messages;
    if (const auto* hello = std::get_if<Hello>(&*message); hello && hello->version != kProtocolVersion)
      return Fail(ErrorCode::kInvalid, fmt::format("the launcher speaks protocol version {}, this agent {}",
                                                   hello->version, kProtocolVersion));
    messages.push_back(std::move(*message));
  }
}

}  // namespace cromt::launcher
