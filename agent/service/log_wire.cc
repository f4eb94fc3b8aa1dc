#include "agent/service/log_wire.h"

#include "io/wire/task.h"

namespace cromt {

void ToProto(LogChunk chunk, v1::LogChunk& message) {
  wire::ToProto(chunk.attempt, *message.mutable_attempt());
  message.set_stream(static_cast<v1::Stream>(chunk.stream));  // the numbers are the same in both
  message.set_offset(chunk.offset);
  message.set_at_us(Micros(chunk.at));
  message.set_data(std::move(chunk.data));
}

}  // namespace cromt
