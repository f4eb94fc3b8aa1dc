// What main() does for gRPC.
#pragma once

namespace cromt::rpc {

// To be called before anything else of gRPC and before there is a second thread. gRPC 1.51 offers no way to ask for TLS
// 1.3, so of 1.2 it is given only ciphers that need another kind of key than any of ours: 1.2 never comes about. And it
// writes no lines of its own between ours, unless GRPC_VERBOSITY asks for them: what matters of them is in the errors.
void Prepare();

}  // namespace cromt::rpc
