// gRPC answers by itself a request that it can't parse, with a bare INTERNAL or UNIMPLEMENTED, and a method that is not
// there, with a bare UNIMPLEMENTED; and a call for which it has no thread, in words of its own. This makes each a
// status that says what is wrong.
#pragma once

namespace grpc {
class ServerBuilder;
}

namespace cromt::rpc {

void ExplainRefusals(grpc::ServerBuilder& builder);

}  // namespace cromt::rpc
