#include "supervisor/selftest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <string_view>

#include "common/clock.h"
#include "common/exec_pointers.h"
#include "common/exit_status.h"
#include "supervisor/doctor_report.h"
#include "supervisor/isolation.h"
#include "supervisor/machine.h"
#include "supervisor/options.h"
#include "supervisor/selftest_report.h"
#include "supervisor/selftest_run.h"
#include "supervisor/selftest_stage.h"

namespace oneloop {
namespace {

using selftest::Report;
using selftest::Stage;

constexpr int exit_broken = 1;
constexpr long most_kills = 1'000'000;

constexpr std::string_view help =
    R"(Usage: supervisor selftest [OPTIONS]

Puts the promises to the test on this machine: at most one worker, nothing left over, a worker again
when the faults are over. Starts supervisors of its own and kills them at random moments, and their
wardens and workers, stops and continues them, edits a watched file, starts seconds and replacements.
Each worker writes into shared memory when it ran and starts a descendant that is hard to find.
First, two supervisors that do it wrong: when they are not caught, nothing is proved.

  --kills N          200 unless told; with none broken, 95 % confidence that fewer than one in N/3 is
  --seed S           repeats the plan of a run
  --isolate HOW      auto, subreaper, cgroup or pidns, as the supervisor itself takes it
  --below DIR        play below DIR, on its file system, instead of the temporary directory
  --keep             leave the directory there; it also stays when a promise was broken
  --json             one JSON object on stdout instead of text; the progress goes to stderr

Uses one core and nothing of yours: its directory is its own, and what it started ends with it.

Exit code: 0 every promise was kept; 1 one was broken; 64 usage; 69 it can't run here; 70 a control
was not caught, so it proves nothing.
)";

struct Request {
    bool help = false;
    bool json = false;
    bool keep = false;
    long kills = 200;
    std::uint64_t seed = std::random_device{}();
    std::string isolate = "auto";
    std::string below;
    std::string sabotage;  // hidden, for the tests of this test: a control's name
};

template <class Number>
bool parse_number(const std::string& text, Number& number) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    return result.ec == std::errc{} && result.ptr == end;
}

Result<Request> parse_request(const std::vector<std::string>& arguments) {
    Request request;
    for (std::size_t at = 0; at < arguments.size(); ++at) {
        std::string name = arguments[at];
        if (name == "--help" || name == "-h") {
            request.help = true;
            continue;
        }
        if (name == "--json" || name == "--keep") {
            (name == "--json" ? request.json : request.keep) = true;
            continue;
        }
        std::string value;
        if (const auto equals = name.find('='); equals != std::string::npos) {
            value = name.substr(equals + 1);
            name.resize(equals);
        } else if (at + 1 < arguments.size()) {
            value = arguments[++at];
        }
        bool good = !value.empty();
        if (name == "--kills") {
            good = parse_number(value, request.kills) && request.kills > 0 &&
                   request.kills <= most_kills;
        } else if (name == "--seed") {
            good = parse_number(value, request.seed);
        } else if (name == "--isolate") {
            good = value == "auto" || value == "subreaper" || value == "cgroup" || value == "pidns";
            request.isolate = value;
        } else if (name == "--below") {
            request.below = value;
        } else if (name == "--sabotage") {
            good = value == "supervisor-lock" || value == "group-kill";
            request.sabotage = value;
        } else {
            return fail(name + ": unknown (supervisor selftest --help lists the options)");
        }
        if (!good) return fail(fmt::format("{} {}: not understood", name, value));
    }
    return request;
}

// One line that is written over on a terminal; else one now and then.
class Progress {
  public:
    explicit Progress(long kills) : kills_(kills), terminal_(::isatty(STDERR_FILENO) == 1) {}
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void show(const selftest::Counts& counts) {
        const auto now = Steady::now();
        const Duration pause = terminal_ ? Duration(std::chrono::milliseconds(100))
                                         : Duration(std::chrono::seconds(5));
        if (now - last_ < pause) return;
        last_ = now;
        const std::string line = selftest::progress_line(counts, kills_);
        fmt::print(stderr, "{}{}{}", terminal_ ? "\r\033[K" : "", line, terminal_ ? "" : "\n");
        std::fflush(stderr);
    }
    void clear() {
        if (terminal_) fmt::print(stderr, "\r\033[K");
        std::fflush(stderr);
    }

  private:
    long kills_;
    bool terminal_;
    SteadyTime last_ = Steady::now();
};

IsolationChoice choice_of(const std::string& name) {
    if (name == "subreaper") return IsolationChoice::subreaper;
    if (name == "cgroup") return IsolationChoice::cgroup;
    return name == "pidns" ? IsolationChoice::pidns : IsolationChoice::automatic;
}

// The doctor's look at what at most one (I1), nothing outlives (I2) and one after the other (I3)
// rest on. Tried in the stage's own directory.
std::vector<MachineLine> layers_of(const Stage& stage, const std::string& isolate) {
    const std::vector<std::string> words = {
        "supervisor", "--state-dir", stage.directory(), "--isolate", isolate, "--", "true"};
    auto argv = exec_pointers(words);
    std::vector<MachineLine> lines;
    const auto options = parse_options(static_cast<int>(words.size()), argv.data());
    if (!options) return lines;
    examine_kernel(lines);
    examine_tree(*options, lines);
    examine_state(*options, lines);
    std::erase_if(lines, [](const MachineLine& line) {
        return line.invariant > "I3" || line.detail.find("not needed") != std::string::npos;
    });
    std::stable_sort(lines.begin(), lines.end(),
                     [](const auto& a, const auto& b) { return a.invariant < b.invariant; });
    return lines;
}

void play(Stage& stage, const Request& request, bool patient, Report& report) {
    const bool quiet = request.json;
    const auto add = [&](selftest::Control (*control)(Stage&)) {
        report.controls.push_back(control(stage));
        if (!quiet && !selftest::caught_signal()) {
            fmt::print("{}", selftest::controls_text({report.controls.back()}));
            std::fflush(stdout);
        }
        return report.controls.back().caught;
    };
    if (!add(selftest::control_lock) || !add(selftest::control_group)) return;
    Progress progress(request.kills);
    selftest::RunOptions options{
        request.kills, request.seed,     request.isolate,
        patient,       request.sabotage, [&](const auto& counts) { progress.show(counts); }};
    report.run = selftest::run(stage, options);
}

int exit_code_of(const Report& report) {
    const bool caught = report.controls.size() == 2 &&
                        std::all_of(report.controls.begin(), report.controls.end(),
                                    [](const auto& control) { return control.caught; });
    if (!caught) return exit_internal;
    return report.run.broken.empty() ? exit_ok : exit_broken;
}

std::string repeat_line(const Request& request) {
    std::vector<std::string> words = {"supervisor", "selftest",
                                      "--kills",    std::to_string(request.kills),
                                      "--seed",     std::to_string(request.seed)};
    if (request.isolate != "auto") words.insert(words.end(), {"--isolate", request.isolate});
    if (!request.below.empty()) words.insert(words.end(), {"--below", request.below});
    return shell_words(words);
}

int refuse(int code, const std::string& text) {
    fmt::print(stderr, "supervisor: {}\n", text);
    return code;
}

[[noreturn]] void die_by(int signal) {
    std::fflush(stdout);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    ::_exit(128 + signal);
}

// A closed descriptor 0 to 2 would become that of a file of ours, and what is printed its content.
void fill_standard_descriptors() {
    int fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = ::open("/dev/null", O_RDWR);
    if (fd > STDERR_FILENO) ::close(fd);
}

int test(const Request& request) {
    fill_standard_descriptors();
    const auto plan = plan_isolation(choice_of(request.isolate));
    if (!plan) return refuse(exit_unavailable, plan.error().what);
    selftest::catch_signals();
    auto stage = Stage::open(request.below);
    if (!stage) return refuse(exit_unavailable, stage.error().what);

    Report report;
    report.layers = layers_of(**stage, request.isolate);
    report.isolation = describe(plan->isolation);
    report.fallback = plan->fallback;
    report.directory = (*stage)->directory();
    report.seed = request.seed;
    report.kills_wanted = request.kills;
    report.repeat = repeat_line(request);
    if (!request.json) {
        fmt::print("selftest  {} kills, seed {}, {}\n", request.kills, request.seed,
                   report.isolation);
        std::fflush(stdout);
    }
    const auto began = Steady::now();
    play(**stage, request, !is_namespace(plan->isolation), report);
    report.seconds = std::chrono::duration<double>(Steady::now() - began).count();
    report.interrupted = selftest::caught_signal();
    report.exit_code = report.interrupted ? 128 + report.interrupted : exit_code_of(report);
    if (request.keep || (!report.interrupted && report.exit_code == exit_broken)) {
        (*stage)->keep();
        report.kept = report.directory;
    }
    stage->reset();  // before the words, which say that nothing is left
    fmt::print("{}", request.json ? selftest::to_json(report) : selftest::to_text(report));
    if (report.interrupted) die_by(report.interrupted);
    return report.exit_code;
}

}  // namespace

int run_selftest(const std::vector<std::string>& arguments) {
    const auto request = parse_request(arguments);
    if (!request) return refuse(exit_usage, request.error().what);
    if (request->help) {
        fmt::print("{}", help);
        return exit_ok;
    }
    try {
        return test(*request);
    } catch (const std::exception& error) {
        return refuse(exit_unavailable, error.what());
    }
}

}  // namespace oneloop
