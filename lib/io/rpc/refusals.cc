#include "io/rpc/refusals.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace cromt::rpc {
namespace {

class Refusals final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* call) override {
    return new Interceptor(*call);
  }

 private:
  class Interceptor final : public grpc::experimental::Interceptor {
    using Type = grpc::experimental::ServerRpcInfo::Type;

   public:
    explicit Interceptor(const grpc::experimental::ServerRpcInfo& call)
        : method_(call.method()),
          takes_one_message_(call.type() == Type::UNARY || call.type() == Type::SERVER_STREAMING) {}
    void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
      using Point = grpc::experimental::InterceptionHookPoints;
      if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS)) {
        // Our services give every error a text, so one without is gRPC's.
        grpc::Status status = methods->GetSendStatus();
        if (!status.ok() && status.error_message().empty()) methods->ModifySendStatus(Explain(status.error_code()));
        if (status.error_message() == "Server Threadpool Exhausted")  // gRPC's words
          methods->ModifySendStatus({status.error_code(), "as many calls as may be are being served here; try again"});
      }
      methods->Proceed();
    }

   private:
    grpc::Status Explain(grpc::StatusCode code) const {
      if (takes_one_message_)
        return {grpc::StatusCode::INVALID_ARGUMENT, "what was sent to " + method_ + " is no message that it takes"};
      return {code, "the call can't be served: is there a method " + method_ + "?"};
    }

    const std::string method_;
    const bool takes_one_message_;  // gRPC takes a method that is not there for a stream both ways
  };
};

}  // namespace

void ExplainRefusals(grpc::ServerBuilder& builder) {
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<Refusals>());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
}

}  // namespace cromt::rpc
