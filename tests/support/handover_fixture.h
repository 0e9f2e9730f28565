// HandoverFixture: a supervisor with a listening socket, and others that take over from it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/control_protocol.h"
#include "tests/support/control_client.h"
#include "tests/support/http_client.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {

class HandoverFixture : public SupervisorFixture {
  protected:
    [[nodiscard]] std::unique_ptr<Process> run(const std::vector<std::string>& options,
                                               const std::vector<std::string>& command) const {
        return std::make_unique<Process>(supervise(options, command));
    }
    [[nodiscard]] std::unique_ptr<Process> replace(std::vector<std::string> options,
                                                   const std::vector<std::string>& command) const {
        options.insert(options.end(), {"--if-running", "replace"});
        return run(options, command);
    }

    [[nodiscard]] control::StatusReport status() const {
        const auto reply =
            control::parse_reply(ControlClient(state).ask("{\"command\":\"status\"}"));
        return reply && reply->status ? *reply->status : control::StatusReport{};
    }
    [[nodiscard]] bool waits_for_the_end(const Process& supervisor) const {
        return wait_until([&] { return said("stopping, asked for by pid") > 0; }, seconds(20)) &&
               living(mark, [&](const Seen& seen) { return seen.pid == supervisor.pid(); }).size();
    }

    int port = free_port();
    const std::vector<std::string> listen = {"--socket", "127.0.0.1:" + std::to_string(port)};
};

}  // namespace oneloop::test
