// fle-cryptd: query analysis for drivers that look for mongocryptd.
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <sys/resource.h>
#include <unistd.h>

#include "background.h"
#include "fle/files/process.h"
#include "fle/observe/metrics.h"
#include "fle/query/analyzer.h"
#include "fle/version.h"
#include "log.h"
#include "options.h"
#include "pid_file.h"
#include "protocol/commands.h"
#include "server/server.h"

namespace fle::cryptd {
namespace {

void complain(const std::string& line) { std::fprintf(stderr, "fle-cryptd: %s\n", line.c_str()); }

void prepare_process() {
  files::prepare_process(files::ClosedStream::is_empty);
  // A terminal may close.
  std::signal(SIGHUP, SIG_IGN);
  // A connection is a descriptor.
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
  }
}

Analyze make_analyze(const Options& o, std::shared_ptr<Observer> observer) {
  query::Analyzer::Options options;
  options.observer = std::move(observer);
  options.budget.floor = o.work_budget;
  auto analyzer = std::make_shared<query::Analyzer>(options);
  return [analyzer](Bytes command, std::string_view db, const std::atomic<bool>& abandoned) {
    auto reply = analyzer->analyze(command, db, &abandoned);
    return reply ? *std::move(reply) : query::error_reply(reply.error());
  };
}

void log_start(Log& log, const Options& o) {
  log.info("CONTROL", 7300000, "main", "Starting",
           {{"version", FLE_VERSION_STRING}, {"pid", std::int64_t{::getpid()}}});
  for (const std::string& name : o.parameters)
    log.info("CONTROL", 7300005, "main", "Parameter without effect", {{"name", name}});
}

ExitStatus fail(Log& log, ExitStatus status, const Failure& f) {
  complain(f.message);
  // Without a log file that line is enough.
  if (log.to_file()) log.error("CONTROL", 20568, "main", "Cannot start", {{"error", f.message}});
  return status;
}

Done write_pid(PidFile& file, const Options& o, Log& log) {
  if (o.pid_file.empty()) return ok;
  Done done = file.write(o.pid_file);
  if (done || o.pid_file_required) return done;
  // Nobody asked for it.
  log.warning("CONTROL", 7300006, "main", "No pid file", {{"error", done.error().message}});
  return ok;
}

ExitStatus serve(const Options& o) {
  Log log;
  if (!o.log_path.empty()) {
    if (const Done opened = log.open(o.log_path); !opened)
      return fail(log, kExitFailed, opened.error());
  }
  Background background;
  if (o.fork) {
    if (const Done entered = background.enter(); !entered)
      return fail(log, kExitFailed, entered.error());
  }
  PidFile pid_file;
  log_start(log, o);
  const auto metrics = o.metrics ? std::make_shared<Metrics>() : nullptr;
  Server server(o, Responder(make_analyze(o, metrics), {FLE_VERSION_STRING}), log, metrics);
  if (const Done listening = server.listen(); !listening)
    return fail(log, kExitNetwork, listening.error());
  if (const Done written = write_pid(pid_file, o, log); !written)
    return fail(log, kExitFailed, written.error());
  background.ready();
  const bool finished = server.run();
  log.info("CONTROL", 23138, "main", "Shutting down", {{"exitCode", std::int64_t{kExitClean}}});
  if (!finished) {
    // An analysis that outlasts its time cannot be ended; the process can.
    server.remove_socket();
    pid_file.clear();
    ::_exit(kExitClean);
  }
  return kExitClean;
}

int run(int argc, char** argv) {
  const auto parsed = parse_options(argc, argv);
  if (const auto* status = std::get_if<ExitStatus>(&parsed)) return *status;
  return serve(std::get<Options>(parsed));
}

}  // namespace
}  // namespace fle::cryptd

int main(int argc, char** argv) {
  fle::cryptd::prepare_process();
  try {
    return fle::cryptd::run(argc, argv);
  } catch (const std::exception& e) {
    fle::cryptd::complain(e.what());
    return fle::cryptd::kExitFailed;
  }
}
