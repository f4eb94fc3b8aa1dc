#include "coordinator/http/http_side.h"

#include <fmt/format.h>

#include "coordinator/access/access.h"
#include "coordinator/access/route_rules.h"
#include "coordinator/http/health.h"
#include "io/rpc/address.h"

namespace cromt {
namespace {

// A refused hook, for the operator and the audit log.
void Tell(const HttpSideOptions& options, const std::string& place, const std::string& project,
          const std::string& why) {
  const std::string what = fmt::format("a web hook from {} for {} was refused: {}", place,
                                       project.empty() ? "no project" : "project '" + project + "'", why);
  options.warn(what);
  // Should it not be written, nothing was done either.
  if (options.access)
    (void)options.access->Record("", "denied", "POST /hooks/" + project, fmt::format("from {}: {}", place, why));
}

}  // namespace

struct HttpSide::Impl {
  explicit Impl(HttpSideOptions given)
      : options(std::move(given)),
        health(options.loop_answers, clock),
        hooks({options.hook_secret, options.pushed,
               [this](const std::string& place, const std::string& project, const std::string& why) {
                 Tell(options, place, project, why);
               }}) {}

  const HttpSideOptions options;
  const SystemClock clock;
  Health health;
  Hooks hooks;
  std::unique_ptr<http::Server> server;
};

HttpSide::HttpSide(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpSide::~HttpSide() = default;

const std::string& HttpSide::address() const {
  return impl_->server->address();
}

void HttpSide::Held(const std::string& why) {
  impl_->health.Held(why);
}

std::vector<http::Route> HttpRoutes(Health& health, Hooks& hooks) {
  using http::PathParts;
  using http::Request;
  std::vector<http::Route> routes = {
      {"GET", "/healthz", false, [&health](const Request&, const PathParts&) { return health.Lives(); }},
      {"GET", "/readyz", false, [&health](const Request&, const PathParts&) { return health.Ready(); }},
      {"POST", "/hooks/{project}", true,
       [&hooks](const Request& request, const PathParts& parts) { return hooks.Answer(request, parts); }},
  };
  for (http::Route& route : routes) {
    const RouteRule* rule = RuleOf(route.method, route.pattern);
    if (!rule || rule->scope != CallScope::kOpen)
      route.answer = [](const Request&, const PathParts&) { return http::Refusal(403, "nobody may do this"); };
  }
  return routes;
}

Result<std::unique_ptr<HttpSide>> HttpSide::Start(HttpSideOptions options) {
  CROMT_ASSIGN(const rpc::Endpoint endpoint, rpc::ResolveEndpoint(options.listen));
  http::ServerOptions server{.address = options.listen,
                             .insecure = options.insecure,
                             .identity = options.access && !endpoint.loopback ? options.access->identity_file() : "",
                             .limits = {},
                             .warn = options.warn};
  auto impl = std::make_unique<Impl>(std::move(options));
  CROMT_ASSIGN(impl->server, http::Server::Start(std::move(server), HttpRoutes(impl->health, impl->hooks)));
  return std::unique_ptr<HttpSide>(new HttpSide(std::move(impl)));
}

}  // namespace cromt
