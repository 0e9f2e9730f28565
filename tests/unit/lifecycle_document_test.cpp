// The table of docs/lifecycle.md is what the lifecycle does: each state with each event.
#include <gtest/gtest.h>

#include <array>

#include "common/read_text.h"
#include "supervisor/lifecycle.h"

namespace oneloop {
namespace {

using std::chrono::seconds;

const SteadyTime now = SteadyTime(seconds(100));

// One typical moment of each state. A deadline is due only for TimePassed.
Lifecycle at(std::size_t column, bool due) {
    const SteadyTime when = due ? now : now + seconds(5);
    Lifecycle life;
    switch (column) {
        case 0:
            life.state = Waiting{when};
            break;
        case 1:
            life.state = Running{now - seconds(30)};
            break;
        case 2:
            life.state = Stopping{Stopping::Step::asked, now - seconds(30), when, true, {}, {}};
            break;
        case 3:
            life.state = Stopping{Stopping::Step::killing, now - seconds(30), when, true, {}, {}};
            break;
        default:
            life.state = Finished{};
    }
    return life;
}

std::string name(const State& state) {
    struct Name {
        std::string operator()(const Waiting& waiting) const {
            if (!waiting.due) return "Waiting, for a change";
            return *waiting.due <= now ? "Waiting" : "Waiting, until due";
        }
        std::string operator()(const Running&) const { return "Running"; }
        std::string operator()(const Stopping& stopping) const {
            constexpr std::array<const char*, 3> steps = {"asked", "killing", "forced"};
            return std::string("Stopping, ") + steps.at(static_cast<std::size_t>(stopping.step));
        }
        std::string operator()(const Finished&) const { return "Finished"; }
    };
    return std::visit(Name{}, state);
}

std::string name(const Command& command) {
    struct Name {
        std::string operator()(const Spawn&) const { return "Spawn"; }
        std::string operator()(const SignalTree& what) const {
            return what.signal == SignalTree::Signal::abort ? "SignalTree ABRT" : "SignalTree";
        }
        std::string operator()(const KillTree& kill) const {
            return kill.warden_too ? "KillTree with the warden" : "KillTree";
        }
        std::string operator()(const Finish&) const { return "Finish"; }
        std::string operator()(const ReportEnd&) const { return "ReportEnd"; }
        std::string operator()(const ReportStopTimeout&) const { return "ReportStopTimeout"; }
    };
    return std::visit(Name{}, command);
}

std::string cell(const Step& step) {
    std::string text = name(step.next.state);
    for (const auto& command : step.commands)
        text += "; **" + name(command) + "**";
    return text;
}

std::string row(const std::string& title, const Event& event, const LifecycleOptions& options) {
    std::string line = "| " + title;
    const bool due = std::holds_alternative<TimePassed>(event);
    for (std::size_t column = 0; column < 5; ++column)
        line += " | " + cell(step(at(column, due), event, now, options));
    return line + " |";
}

TEST(LifecycleDocument, its_table_is_what_the_code_does) {
    LifecycleOptions options;
    options.policy.watching = true;
    const Exited crash{{1, 0}, ""};
    const std::vector<std::string> rows = {
        row("a file changed", Changed{}, options),
        row("the burst of changes, or the build, is over", Settled{}, options),
        row("a build begins", Preparing{}, options),
        row("the command ended by itself", LeaderEnded{crash}, options),
        row("not ready in time, or no sign of life", Failed{Unresponsive{}}, options),
        row("nothing of the tree is left", TreeGone{}, options),
        row("a restart was asked for", RestartRequested{}, options),
        row("a stop was asked for", StopRequested{15}, options),
        row("its deadline has passed", TimePassed{}, options),
    };
    const std::string text = read_text(ONELOOP_SOURCE_DIR "/docs/lifecycle.md");
    for (const auto& line : rows)
        EXPECT_NE(text.find(line + "\n"), std::string::npos) << line;
}

}  // namespace
}  // namespace oneloop
