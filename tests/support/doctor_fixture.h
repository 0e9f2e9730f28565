// DoctorFixture: runs `supervisor doctor` about a program that the test starts by hand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {

using nlohmann::json;

class DoctorFixture : public SupervisorFixture {
  protected:
    struct Answer {
        int code = -1;
        std::string text;
        [[nodiscard]] json object() const { return json::parse(text); }
    };

    DoctorFixture() {
        write_file(source, "import signal\nsignal.pause()\n");
        ::setenv("POLL_LOG", dir.file("polls").c_str(), 1);
        ::setenv("PORT", std::to_string(port).c_str(), 1);
        leftovers_expected = true;  // they are the subject; the fixture ends what is left
    }

    [[nodiscard]] Answer run(const std::vector<std::string>& command) const {
        static int number = 0;
        const std::string output = dir.file("doctor" + std::to_string(++number));
        Process process({command, project, {}, output});
        const auto status = process.wait(seconds(30));
        return {status && !status->signal ? status->code : -1, read_file(output)};
    }

    // supervisor doctor ARGUMENTS, with a state directory of the test's.
    [[nodiscard]] Answer doctor(std::vector<std::string> arguments) const {
        const std::vector<std::string> start = {ONELOOP_SUPERVISOR, "doctor", "--state-dir", state};
        arguments.insert(arguments.begin(), start.begin(), start.end());
        return run(arguments);
    }
    // … --json -- python3 app.py
    [[nodiscard]] Answer about_app(std::vector<std::string> arguments = {}) const {
        arguments.insert(arguments.end(), {"--json", "--", "/usr/bin/python3", "app.py"});
        return doctor(arguments);
    }

    static std::vector<int> listed(const Answer& answer) {
        std::vector<int> pids;
        const json object = answer.object();
        for (const auto& one : object.at("leftovers"))
            pids.push_back(one.at("pid"));
        return pids;
    }

    // A program in `directory` that is there when this returns.
    [[nodiscard]] Process by_hand(const std::string& directory,
                                  const std::vector<std::string>& command) const {
        Process process({command, directory, {{census_variable, mark}}, console});
        wait_until([&] { return lives(process); }, seconds(10));
        return process;
    }
    [[nodiscard]] bool lives(const Process& process) const {
        return living(mark, [&](const Seen& seen) { return seen.pid == process.pid(); }).size() ==
               1;
    }

    const std::vector<std::string> app = {"/usr/bin/python3", "app.py"};
    int port = free_port();
    std::string address = "127.0.0.1:" + std::to_string(port);
};

}  // namespace oneloop::test
