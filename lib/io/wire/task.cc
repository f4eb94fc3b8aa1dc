#include "io/wire/task.h"

#include "io/wire/check.h"
#include "io/wire/field.h"

namespace cromt::wire {
namespace {

using google::protobuf::RepeatedPtrField;

void CopyStrings(const std::vector<std::string>& from, RepeatedPtrField<std::string>& to) {
  to.Reserve(static_cast<int>(from.size()));
  for (const std::string& text : from) *to.Add() = text;
}

void WriteWork(const Work& work, v1::TaskSpec& proto) {
  struct Visitor {
    v1::TaskSpec& proto;
    void operator()(const Command& command) const {
      CopyStrings(command.argv, *proto.mutable_command()->mutable_argv());
    }
    void operator()(const Script& script) const { proto.mutable_script()->set_text(script.text); }
    void operator()(const Actions& actions) const {
      for (const std::string& name : actions.names) proto.mutable_actions()->add_names(ToText(name));
      for (const std::string& option : actions.options) proto.mutable_actions()->add_options(ToText(option));
    }
  };
  std::visit(Visitor{proto}, work);
}

Result<Work> ReadWork(const v1::TaskSpec& proto) {
  switch (proto.work_case()) {
    case v1::TaskSpec::kCommand: return Command{{proto.command().argv().begin(), proto.command().argv().end()}};
    case v1::TaskSpec::kScript: return Script{proto.script().text()};
    case v1::TaskSpec::kActions:
      return Actions{{proto.actions().names().begin(), proto.actions().names().end()},
                     {proto.actions().options().begin(), proto.actions().options().end()}};
    case v1::TaskSpec::WORK_NOT_SET: break;
  }
  return Invalid("work", "neither command nor script nor actions");
}

Variables ReadVariables(const RepeatedPtrField<v1::Variable>& proto) {
  Variables variables;
  variables.reserve(static_cast<size_t>(proto.size()));
  for (const v1::Variable& variable : proto) variables.emplace_back(variable.name(), variable.value());
  return variables;
}

Digest ReadDigest(const v1::Digest& proto) {
  return {proto.sha256(), proto.size_bytes()};
}

Source ReadSource(const v1::Source& proto) {
  return {.directory = proto.directory(),
          .repository = proto.repository(),
          .ref = proto.ref(),
          .commit = proto.commit(),
          .branch = proto.branch(),
          .tree = ReadDigest(proto.tree())};
}

Result<Container> ReadContainer(const v1::Container& proto) {
  if (!v1::Container::Pull_IsValid(proto.pull())) return Invalid("container.pull", "is unknown");
  Container container{.existing = proto.existing(),
                      .image = proto.image(),
                      .pull = static_cast<Pull>(proto.pull()),
                      .network = proto.network(),
                      .user = proto.user(),
                      .read_only = proto.read_only(),
                      .bootstrap = proto.bootstrap(),
                      .mounts = {},
                      .privileged = proto.privileged(),
                      .capabilities = {proto.capabilities().begin(), proto.capabilities().end()},
                      .devices = {proto.devices().begin(), proto.devices().end()},
                      .pid = proto.pid(),
                      .ipc = proto.ipc()};
  for (const v1::Container::Mount& mount : proto.mounts())
    container.mounts.push_back({mount.source(), mount.target(), mount.read_only()});
  return container;
}

}  // namespace

void ToProto(const Container& container, v1::Container& proto) {
  proto.set_existing(ToText(container.existing));
  proto.set_image(ToText(container.image));
  proto.set_pull(static_cast<v1::Container::Pull>(container.pull));
  proto.set_network(ToText(container.network));
  proto.set_user(ToText(container.user));
  proto.set_read_only(container.read_only);
  proto.set_bootstrap(container.bootstrap);
  for (const ContainerMount& mount : container.mounts) {
    auto& to = *proto.add_mounts();
    to.set_source(ToText(mount.source));
    to.set_target(ToText(mount.target));
    to.set_read_only(mount.read_only);
  }
  proto.set_privileged(container.privileged);
  for (const std::string& word : container.capabilities) proto.add_capabilities(ToText(word));
  for (const std::string& word : container.devices) proto.add_devices(ToText(word));
  proto.set_pid(ToText(container.pid));
  proto.set_ipc(ToText(container.ipc));
}

Result<Container> FromProto(const v1::Container& proto) {
  CROMT_ASSIGN(Container container, ReadContainer(proto));
  CROMT_TRY(CheckContainer(container));
  return container;
}

void ToProto(const Confinement& confinement, v1::Confinement& proto) {
  proto.set_user(ToText(confinement.user));
  switch (confinement.sandbox) {
    case Sandbox::kOff: return proto.set_sandbox(v1::Confinement::OFF);
    case Sandbox::kStandard: return proto.set_sandbox(v1::Confinement::STANDARD);
    case Sandbox::kStrict: return proto.set_sandbox(v1::Confinement::STRICT);
  }
}

Result<Confinement> FromProto(const v1::Confinement& proto) {
  switch (proto.sandbox()) {
    case v1::Confinement::OFF: return Confinement{proto.user(), Sandbox::kOff};
    case v1::Confinement::STANDARD: return Confinement{proto.user(), Sandbox::kStandard};
    case v1::Confinement::STRICT: return Confinement{proto.user(), Sandbox::kStrict};
    default: return Invalid("confinement.sandbox", "is unknown");
  }
}

void ToProto(const Resources& limits, v1::Resources& proto) {
  proto.set_memory_bytes(limits.memory_bytes);
  proto.set_cpu_permille(limits.cpu_permille);
  proto.set_pids(limits.pids);
}

void ToProto(const TaskSpec& spec, v1::TaskSpec& proto) {
  proto.set_name(ToText(spec.name));
  proto.set_project(ToText(spec.project));
  WriteWork(spec.work, proto);
  ToProto(spec.variables, *proto.mutable_variables());
  if (spec.source != Source{}) ToProto(spec.source, *proto.mutable_source());
  if (spec.timeout) proto.set_timeout_ms(ToMillis(*spec.timeout));
  proto.set_grace_ms(ToMillis(spec.grace));
  proto.set_log_limit_bytes(spec.log_limit_bytes);
  v1::ExitPolicy& policy = *proto.mutable_exit_policy();
  policy.mutable_success()->Assign(spec.exit_policy.success.begin(), spec.exit_policy.success.end());
  policy.mutable_stop()->Assign(spec.exit_policy.stop.begin(), spec.exit_policy.stop.end());
  if (spec.retry != RetryPolicy{}) {
    proto.mutable_retry()->set_retries(spec.retry.retries);
    proto.mutable_retry()->set_delay_ms(ToMillis(spec.retry.delay));
    proto.mutable_retry()->set_backoff_permille(spec.retry.backoff_permille);
  }
  if (spec.silence != SilencePolicy{}) {
    v1::SilencePolicy& silence = *proto.mutable_silence();
    silence.set_unreachable_ms(ToMillis(spec.silence.unreachable));
    silence.set_skip_unreachable(spec.silence.skip_unreachable);
    silence.set_lost_ms(ToMillis(spec.silence.lost));
    silence.set_retry_lost(spec.silence.retry_lost);
  }
  proto.set_priority(spec.priority);
  proto.set_inherit_env(spec.inherit_env);
  if (spec.container) ToProto(*spec.container, *proto.mutable_container());
  if (spec.limits.any()) ToProto(spec.limits, *proto.mutable_limits());
  if (spec.confinement != Confinement()) ToProto(spec.confinement, *proto.mutable_confinement());
  for (const SecretUse& use : spec.secrets) {
    v1::SecretUse& to = *proto.add_secrets();
    to.set_name(ToText(use.name));
    to.set_env(ToText(use.env));
    to.set_file(ToText(use.file));
    to.set_registry(ToText(use.registry));
  }
  for (const ArtifactOut& out : spec.publishes) {
    auto& to = *proto.add_publishes();
    to.set_name(ToText(out.name));
    to.set_path(ToText(out.path));
  }
  for (const HostGap& gap : spec.host_gaps) {
    auto& to = *proto.add_host_gaps();
    if (gap.in == HostGap::In::kVariable)
      to.set_variable(gap.index);
    else
      to.set_artifact_path(gap.index);
    to.set_offset(gap.offset);
    to.set_name(gap.name);
  }
}

Result<TaskSpec> ReadUnchecked(const v1::TaskSpec& proto) {
  TaskSpec spec;
  spec.name = proto.name();
  spec.project = proto.project();
  CROMT_ASSIGN(spec.work, ReadWork(proto));
  spec.variables = ReadVariables(proto.variables());
  spec.source = ReadSource(proto.source());
  if (proto.timeout_ms() != 0) {
    CROMT_ASSIGN(spec.timeout, ReadMillis("timeout_ms", proto.timeout_ms()));
  }
  if (proto.has_grace_ms()) {
    CROMT_ASSIGN(spec.grace, ReadMillis("grace_ms", proto.grace_ms()));
  }
  if (proto.has_log_limit_bytes()) spec.log_limit_bytes = proto.log_limit_bytes();
  if (proto.has_exit_policy()) {
    spec.exit_policy.success.assign(proto.exit_policy().success().begin(), proto.exit_policy().success().end());
    spec.exit_policy.stop.assign(proto.exit_policy().stop().begin(), proto.exit_policy().stop().end());
  }
  if (proto.has_retry()) {
    spec.retry.retries = proto.retry().retries();
    CROMT_ASSIGN(spec.retry.delay, ReadMillis("retry.delay_ms", proto.retry().delay_ms()));
    spec.retry.backoff_permille = proto.retry().backoff_permille();
  }
  if (proto.has_silence()) {
    CROMT_ASSIGN(spec.silence.unreachable, ReadMillis("silence.unreachable_ms", proto.silence().unreachable_ms()));
    CROMT_ASSIGN(spec.silence.lost, ReadMillis("silence.lost_ms", proto.silence().lost_ms()));
    spec.silence.skip_unreachable = proto.silence().skip_unreachable();
    spec.silence.retry_lost = proto.silence().retry_lost();
  }
  spec.priority = proto.priority();
  spec.inherit_env = proto.inherit_env();
  if (proto.has_container()) {
    CROMT_ASSIGN(spec.container, ReadContainer(proto.container()));
  }
  spec.limits = {proto.limits().memory_bytes(), proto.limits().cpu_permille(), proto.limits().pids()};
  CROMT_ASSIGN(spec.confinement, FromProto(proto.confinement()));
  for (const v1::SecretUse& use : proto.secrets())
    spec.secrets.push_back({use.name(), use.env(), use.file(), use.registry()});
  for (const v1::ArtifactOut& out : proto.publishes()) spec.publishes.push_back({out.name(), out.path()});
  for (const v1::HostGap& gap : proto.host_gaps()) {
    if (gap.text_case() == v1::HostGap::TEXT_NOT_SET) return Invalid("host_gaps.text", "is not set");
    const bool variable = gap.text_case() == v1::HostGap::kVariable;
    spec.host_gaps.push_back({variable ? HostGap::In::kVariable : HostGap::In::kArtifactPath,
                              variable ? gap.variable() : gap.artifact_path(), gap.offset(), gap.name()});
  }
  return spec;
}

Result<TaskSpec> FromProto(const v1::TaskSpec& proto) {
  CROMT_ASSIGN(TaskSpec spec, ReadUnchecked(proto));
  CROMT_TRY(Check(spec));
  return spec;
}

void ToProto(const Variables& variables, RepeatedPtrField<v1::Variable>& proto) {
  proto.Reserve(static_cast<int>(variables.size()));
  for (const auto& [name, value] : variables) {
    v1::Variable& variable = *proto.Add();
    variable.set_name(ToText(name));
    variable.set_value(value);
  }
}

Result<Variables> FromProto(const RepeatedPtrField<v1::Variable>& proto) {
  Variables variables = ReadVariables(proto);
  CROMT_TRY(Check(variables));
  return variables;
}

void ToProto(const Source& source, v1::Source& proto) {
  proto.set_directory(source.directory);
  proto.set_repository(ToText(source.repository));
  proto.set_ref(ToText(source.ref));
  proto.set_commit(ToText(source.commit));
  proto.set_branch(ToText(source.branch));
  if (!source.tree.empty()) ToProto(source.tree, *proto.mutable_tree());
}

Result<Source> FromProto(const v1::Source& proto) {
  Source source = ReadSource(proto);
  CROMT_TRY(Check(source));
  return source;
}

void ToProto(const Digest& digest, v1::Digest& proto) {
  proto.set_sha256(ToText(digest.sha256));
  proto.set_size_bytes(digest.size_bytes);
}

Result<Digest> FromProto(const v1::Digest& proto) {
  Digest digest = ReadDigest(proto);
  CROMT_TRY(Check(digest));
  return digest;
}

}  // namespace cromt::wire
