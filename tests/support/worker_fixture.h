// WorkerTest: the real worker against the real simulator, each test in a directory of its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "common/lock_file.h"
#include "tests/support/simulator.h"
#include "tests/support/wait.h"

namespace oneloop::test {

// For what has to happen; passing needs a fraction of it.
inline constexpr std::chrono::seconds limit{20};
using Environment = std::vector<std::pair<std::string, std::string>>;

class WorkerTest : public testing::Test {
  protected:
    // Configuration for a job of this name, its state in this test's directory.
    std::string config(const std::string& job, const std::string& listen = "127.0.0.1:0") {
        const std::string path = dir_.file(job + ".toml");
        test::write_file(
            path,
            "version = 1\njob = \"" + job + "\"\nstate = \"" + job + ".db\"\n[http]\nlisten = \"" +
                listen + "\"\n[log]\nformat = \"logfmt\"\n[preset.megabox]\nserver = \"" +
                simulator_.url() + "\"\n[[watch]]\nid = \"w\"\nevery = \"1s\"\n" +
                "dates = { next = 3 }\nsource = { preset = \"megabox\", branch = \"7011\" }\n");
        return path;
    }

    struct Worker {
        test::Process process;
        [[nodiscard]] std::string output() const { return process.output(); }
        [[nodiscard]] int port() const {
            const std::string text = output();
            const std::string said = "serving http://127.0.0.1:";
            const auto found = text.find(said);
            return found == std::string::npos ? 0 : std::atoi(text.c_str() + found + said.size());
        }
        [[nodiscard]] std::string status() const { return test::http_get(port(), "/status").body; }
        [[nodiscard]] long ticks() const { return test::number_in(status(), "tick"); }
        [[nodiscard]] bool polls() const {
            return status().find("\"polling\":true") != std::string::npos;
        }
    };

    Worker start(std::vector<std::string> arguments, const Environment& environment = {}) {
        arguments.insert(arguments.begin(), ONELOOP_WORKER);
        return {test::Process({std::move(arguments), dir_.path(), environment,
                               dir_.file("out" + std::to_string(++count_))})};
    }
    Worker serving(const std::vector<std::string>& arguments, const Environment& environment = {}) {
        Worker worker = start(arguments, environment);
        EXPECT_TRUE(wait_until([&] { return worker.port() != 0; }, limit)) << worker.output();
        return worker;
    }

    // What a supervisor's warden would hand over. The descriptor survives exec until it is closed.
    struct HandedOver {
        LockFile lock;
        Environment environment;
    };
    HandedOver hand_over(const std::string& instance = "i-1") {
        const std::string directory = dir_.file("instance" + std::to_string(++count_));
        EXPECT_TRUE(make_private_directory(directory));
        auto lock = LockFile::open(directory + "/worker.lock");
        EXPECT_TRUE(lock && lock->try_lock().value());
        LockRecord record;
        record.pid = ::getpid();
        record.generation = 7;
        record.instance = "i-1";
        EXPECT_TRUE(lock->write(record));
        set_cloexec(lock->fd(), false);
        Environment environment = {{"ONELOOP_RUN_MAIN", "true"},
                                   {"ONELOOP_LOCK_FD", std::to_string(lock->fd())},
                                   {"ONELOOP_INSTANCE", instance},
                                   {"ONELOOP_GENERATION", "7"}};
        return {std::move(*lock), std::move(environment)};
    }

    // `idle` serves, and while another worker polls it never does.
    void expect_never_polls(const Worker& idle, const std::string& why) {
        EXPECT_TRUE(wait_until(
            [&] { return idle.output().find("serving, not polling: ") != std::string::npos; },
            limit));
        EXPECT_THAT(idle.output(), testing::HasSubstr(why));
        EXPECT_THAT(idle.status(), testing::HasSubstr("\"polling\":false"));
        EXPECT_THAT(idle.status(), testing::HasSubstr(why));
        EXPECT_EQ(test::http_get(idle.port(), "/healthz").code, 503);
        EXPECT_EQ(simulator_.counter("total"), 0);
        // The negative control and the clock in one: this one polls as soon as it is started, and
        // so would have `idle`.
        const Worker control = serving({"--standalone", "--config", config("control")});
        EXPECT_TRUE(wait_until([&] { return control.ticks() >= 1; }, limit));
        EXPECT_EQ(idle.ticks(), 0);
        EXPECT_THAT(idle.output(), testing::Not(testing::HasSubstr("tick.done")));
    }

    test::TempDir dir_;
    test::Simulator simulator_{"open"};
    int count_ = 0;
};

}  // namespace oneloop::test
