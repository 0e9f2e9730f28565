// worker: the configuration, the right to poll, the socket, the thread, the server.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "common/exit_status.h"
#include "common/flag.h"
#include "common/log.h"
#include "worker/api.h"
#include "worker/commands.h"
#include "worker/config.h"
#include "worker/deliver_thread.h"
#include "worker/delivering.h"
#include "worker/fetcher.h"
#include "worker/herald.h"
#include "worker/http_server.h"
#include "worker/inspect.h"
#include "worker/listener.h"
#include "worker/options.h"
#include "worker/permit.h"
#include "worker/poll_thread.h"
#include "worker/print_config.h"
#include "worker/replay.h"
#include "worker/ticker.h"
#include "worker/token_file.h"

namespace oneloop::worker {
namespace {

// Ends the program with one line on stderr.
struct Exit {
    int code;
    std::string why;
};

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

Config load(const Options& options) {
    ConfigReading reading = read_config(options.config);
    for (const Problem& problem : reading.problems) {
        std::fprintf(stderr, "%s\n", format_problem(options.config, problem).c_str());
    }
    if (!reading.problems.empty()) throw Exit{exit_config, ""};
    for (const Watch& watch : reading.config.watches) {
        if (!watch.pace_note.empty()) log::warn("{}", watch.pace_note);
    }
    return std::move(reading.config);
}

// Why this process may not poll, or the permit it polls under (perhaps still waiting for the job).
struct Right {
    std::optional<Permit> permit;
    bool taken = false;  // the job's lock is ours already
    std::string why_not;
    std::optional<Twice> prevented;  // what does not happen here
};

Right ask_permission(const Options& options, const std::string& state) {
    Right right;
    std::optional<LockFile> worker_lock;
    if (!options.standalone && !options.once) {
        auto proof = flag::prove_worker();
        if (!proof) {
            right.why_not = proof.error().what;
            right.prevented = Twice::loop;
            return right;
        }
        worker_lock = std::move(*proof);
    }
    const std::string directory = std::filesystem::path(state).parent_path().string();
    if (auto made = make_private_directory(directory); !made)
        throw Exit{exit_config, made.error().what};
    auto job_lock = LockFile::open(state + ".lock");
    if (!job_lock) throw Exit{exit_config, job_lock.error().what};
    right.permit.emplace(std::move(worker_lock), std::move(*job_lock));
    const auto taken = right.permit->try_take();
    if (!taken) throw Exit{exit_internal, taken.error().what};
    right.taken = *taken;
    if (right.taken) return right;
    if (options.standalone || options.once) {
        StoreReader::note_prevented(state, Twice::start, Wall::now(), flag::machine_pid());
        throw Exit{exit_running, "already running: " + right.permit->holder()};
    }
    right.prevented = Twice::instance;
    return right;
}

Listener get_listener(const Config& config) {
    auto listener = adopt_listener();
    if (listener && !listener->fd) listener = open_listener(config.listen_host, config.listen_port);
    if (!listener) throw Exit{exit_unavailable, listener.error().what};
    return std::move(*listener);
}

// Who may ask for what. Without a place for the token nothing can be changed.
GateRules gate_for(const Config& config, const std::string& state, const Listener& listener) {
    GateRules rules;
    rules.hosts = config.http_hosts;
    rules.wide = !is_loopback(host_and_port(listener.where));
    rules.token = config.http_token.value;
    if (!rules.token.empty()) return rules;
    if (rules.wide) {
        throw Exit{exit_config, listener.where +
                                    " is reached by others: give http.token, such as { file = "
                                    "\"token\" }, or listen on 127.0.0.1"};
    }
    const std::string directory = std::filesystem::path(state).parent_path().string();
    auto token =
        make_private_directory(directory).and_then([&] { return load_token(token_path(state)); });
    if (token) {
        rules.token = *token;
    } else {
        log::warn("nothing can be changed over HTTP: {}", token.error().what);
    }
    return rules;
}

Snapshot introduce(const Config& config, const Right& right) {
    Snapshot snapshot;
    snapshot.version = ONELOOP_VERSION;
    snapshot.job = config.job;
    snapshot.instance = environment(flag::instance);
    snapshot.generation = std::strtoull(environment(flag::generation).c_str(), nullptr, 10);
    snapshot.pid = flag::machine_pid();
    snapshot.why_not = right.why_not.empty() ? "starting" : right.why_not;
    // The loop that did not start here, or that waits for another process's to end.
    if (right.prevented) snapshot.prevented.add(*right.prevented);
    return snapshot;
}

Style style_for(const Config& config) {
    const LogFormat usual = ::isatty(STDOUT_FILENO) ? LogFormat::pretty : LogFormat::logfmt;
    return {config.log_format.value_or(usual), config.language, config.job};
}

// One write(2), so that lines of two processes on one terminal never mix.
void print(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t size = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;  // nobody reads any more; polling goes on
        done += static_cast<std::size_t>(size);
    }
}

Poller::Parts parts_for(Fetcher& fetcher, const Options& options) {
    Poller::Parts parts;
    parts.fetch = [&fetcher](const auto& requests, std::stop_token stop) {
        return fetcher.fetch(requests, std::move(stop));
    };
    parts.print = print;
    parts.now = [] { return Moment{BootClock::now(), Wall::now()}; };
    parts.roll = [random = std::mt19937(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(-1, 1)(random);
    };
    parts.may_continue = [] { return true; };
    if (!options.record.empty()) record_into(options.record, parts);
    return parts;
}

// Nothing: none of them was asked for.
std::optional<int> run_command(const Options& options, const Config& config) {
    if (options.check) return exit_ok;
    if (options.print_config) {
        print(print_config(config));
        return exit_ok;
    }
    ::signal(SIGPIPE, SIG_IGN);
    if (options.token) return show_token(config, state_path(config));
    if (options.outbox) return show_outbox(state_path(config));
    if (!options.resend.empty()) return settle_by_hand(state_path(config), options.resend, true);
    if (!options.skip.empty()) return settle_by_hand(state_path(config), options.skip, false);
    if (!options.test_channel.empty()) return test_channel(config, options.test_channel);
    if (options.state) return show_state(config);
    if (!options.explain.empty()) return explain(config, options.explain);
    if (!options.replay.empty()) return replay(config, options.replay, style_for(config));
    if (options.dry_run) {
        Fetcher fetcher;
        return dry_run(config, parts_for(fetcher, options), style_for(config));
    }
    return std::nullopt;
}

int serve(const Options& options) {
    const Config config = load(options);
    if (const auto code = run_command(options, config)) return *code;

    // The right to poll, the socket, and who we are, all from the environment...
    const std::string state = state_path(config);
    Right right = ask_permission(options, state);
    if (right.prevented)
        StoreReader::note_prevented(state, *right.prevented, Wall::now(), flag::machine_pid());
    if (options.once) {
        ::signal(SIGPIPE, SIG_IGN);
        Fetcher fetcher;
        Poller::Parts parts = parts_for(fetcher, options);
        parts.may_continue = [&right] { return right.permit->lost().empty(); };
        return poll_once(config, state, open_for_polling(config, state), parts, style_for(config));
    }
    Listener listener = get_listener(config);
    const GateRules rules = gate_for(config, state, listener);
    StatusBoard board;
    const Snapshot self = introduce(config, right);
    board.publish(self);
    Herald herald(find_service_manager());
    // ...which is ours alone: from here on nothing we start takes itself for the worker.
    for (const char* name : flag::all())
        ::unsetenv(name);

    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    Orders orders;
    Api api(config, state, board, orders, herald, rules);
    HttpServer server(std::move(listener.fd), api);
    log::info("serving {}{}", listener.where, listener.handed_over ? " (socket handed over)" : "");

    if (!right.permit) {
        log::warn("serving, not polling: {}", right.why_not);
        herald.serves_only(right.why_not);
    }

    // Exactly one polling thread, or none.
    Fetcher fetcher(herald.round(), [&herald] { herald.alive(); });
    const Zone zone = Zone::named(config.timezone).value();
    const auto may_continue = [&right] { return right.permit->lost().empty(); };
    // Made by whoever gets the lock; the polling thread rings them, main ends them.
    std::vector<std::unique_ptr<DeliverThread>> delivering;
    std::unique_ptr<Ticker> ticker;
    const auto make_poller = [&] {
        Poller::Parts parts = parts_for(fetcher, options);
        parts.may_continue = may_continue;
        // The poller's connection first: it is the one that makes or changes the tables.
        Store store = open_for_polling(config, state);
        ticker = std::make_unique<Ticker>(state, self);
        ticker->attach(parts);
        for (auto& deliverer : make_deliverers(config, state, zone, board, may_continue))
            delivering.push_back(std::make_unique<DeliverThread>(std::move(deliverer)));
        parts.wrote = [&delivering](const Alerts&) {
            for (const auto& one : delivering)
                one->ring();
        };
        return std::make_unique<Poller>(config, std::move(store), board, zone, style_for(config),
                                        std::move(parts));
    };
    std::optional<PollThread> thread;
    if (right.permit) {
        std::unique_ptr<Poller> poller;
        if (right.taken) poller = make_poller();
        if (poller) log::info("polling {} ({})", config.job, state);
        thread.emplace(*right.permit, std::move(poller), make_poller, board, herald, orders);
    }

    server.run();
    if (thread) {
        thread->request_stop();
        thread->join();
    }
    // After the answers that are owed, if there are some.
    for (const auto& one : delivering)
        one->request_stop();
    for (const auto& one : delivering)
        one->join();
    return exit_ok;
}

}  // namespace
}  // namespace oneloop::worker

int main(int argc, char** argv) {
    using namespace oneloop;
    int code = exit_ok;
    const auto options = worker::parse_options(argc, argv, code);
    if (!options) return code;
    log::open("worker");
    try {
        return worker::serve(*options);
    } catch (const worker::Exit& exit) {
        if (!exit.why.empty()) std::fprintf(stderr, "worker: %s\n", exit.why.c_str());
        return exit.code;
    } catch (const worker::StoreError& error) {
        std::fprintf(stderr, "worker: %s\n", error.what());
        return exit_config;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "worker: %s\n", error.what());
        return exit_internal;
    }
}
