// gRPC answers a request that it can't parse by itself, with a bare INTERNAL or UNIMPLEMENTED. This makes it a status
// that says what is wrong. Included by server.cc only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace cromt::rpc {

class UnreadableRequests final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* call) override {
    return new Interceptor(call->method());
  }

 private:
  class Interceptor final : public grpc::experimental::Interceptor {
   public:
    explicit Interceptor(const char* method) : method_(method) {}
    void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
      using Point = grpc::experimental::InterceptionHookPoints;
      if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS)) {
        // Our services give every error a text, so one without is gRPC's.
        grpc::Status status = methods->GetSendStatus();
        if (!status.ok() && status.error_message().empty())
          methods->ModifySendStatus({grpc::StatusCode::INVALID_ARGUMENT,
                                     "what was sent to " + method_ + " is no message that it takes"});
      }
      methods->Proceed();
    }

   private:
    const std::string method_;
  };
};

}  // namespace cromt::rpc
